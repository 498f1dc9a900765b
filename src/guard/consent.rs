//! Whether a Secret may be used: its owner says for what, and may say where it may be sent.

use std::fmt;

use url::Url;

use super::{Hosts, Place};

/// Annotation of a Secret that says what it may be used for: names of uses, separated by commas.
pub const USE: &str = "gitlab-connector.dev/use";
/// Annotation of a Secret that says where it may be sent: names of hosts, separated by commas. Without it: anywhere.
pub const HOSTS: &str = "gitlab-connector.dev/hosts";

/// What a Secret is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// A token, which is sent to GitLab.
    Credential,
    /// The secret of webhooks, which is given to GitLab.
    Webhook,
    /// The URL of a database, with its password.
    Database,
    /// Certificates that others are checked against.
    Ca,
    /// The URL of a proxy, with its password.
    Proxy,
    /// The value of a header, which is sent to GitLab.
    Header,
}

impl Use {
    const ALL: [Use; 6] = [Self::Credential, Self::Webhook, Self::Database, Self::Ca, Self::Proxy, Self::Header];

    /// As the annotation spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Webhook => "webhook",
            Self::Database => "database",
            Self::Ca => "ca",
            Self::Proxy => "proxy",
            Self::Header => "header",
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a Secret may be used that says nothing of its use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Consent {
    /// Never.
    #[default]
    Required,
    /// Always: for a cluster, or a namespace, where whoever creates connections may read its Secrets anyway.
    Optional,
}

/// What a Secret says of itself: its type, and the two annotations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Its type.
    pub kind: String,
    /// The annotation [`USE`].
    pub uses: Option<String>,
    /// The annotation [`HOSTS`].
    pub hosts: Option<String>,
}

/// What a Secret is wanted for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// For what.
    pub usage: Use,
    /// Everybody who gets to see it. What a URL in the Secret itself leads to is not among them.
    pub sent_to: &'a [Destination],
}

/// Who gets to see a secret.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The host; `None` where it cannot be told.
    pub place: Option<Place>,
    /// What people call it, such as "'gitlab.example.com'". Nothing that a Secret holds.
    pub name: String,
}

/// Why a Secret is not used. Tells nothing of what is in it, not even whether it has a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its owner has not said that it may be used so.
    #[error(
        "is not offered as {usage}: its owner can say so with kubectl -n {namespace} annotate --overwrite secret {name} {USE}={uses}"
    )]
    Unsaid {
        /// For what it is wanted.
        usage: Use,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What the annotation has to be.
        uses: String,
    },
    /// Kubernetes, or another program, made it for a purpose of its own.
    #[error("is of type {kind}, which is never used as {usage}: put the value into a Secret of type Opaque")]
    Never {
        /// For what it is wanted.
        usage: Use,
        /// Its type.
        kind: String,
    },
    /// It may be used so, and sent elsewhere.
    #[error("may not be sent to {destination}: its annotation {HOSTS} does not name that host")]
    Elsewhere {
        /// Where it would go.
        destination: String,
    },
}

impl Offer {
    /// Whether a Secret may be used.
    ///
    /// # Errors
    /// Why not.
    pub fn allows(
        &self,
        (namespace, name, key): (&str, &str, &str),
        wanted: Wanted<'_>,
        consent: Consent,
    ) -> Result<(), Refusal> {
        let usage = wanted.usage;
        if self.is_never_used(usage, key) {
            return Err(Refusal::Never { usage, kind: self.kind.clone() });
        }
        let said: Option<Vec<Use>> = self.uses.as_ref().map(|uses| {
            let named = uses.split(',').map(str::trim);
            named.filter_map(|name| Use::ALL.into_iter().find(|one| one.as_str() == name)).collect()
        });
        let offered = said.as_ref().map_or(consent == Consent::Optional, |uses| uses.contains(&usage));
        if !offered {
            let mut uses = said.unwrap_or_default();
            uses.push(usage);
            uses.sort_unstable();
            uses.dedup();
            let uses: Vec<_> = uses.into_iter().map(Use::as_str).collect();
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            return Err(Refusal::Unsaid { usage, namespace, name, uses: uses.join(",") });
        }
        wanted.sent_to.iter().try_for_each(|destination| self.reaches(destination))
    }

    /// Whether what the Secret holds may be sent where it leads to by itself.
    ///
    /// # Errors
    /// Why not.
    pub fn allows_itself(&self, value: &str, usage: Use) -> Result<(), Refusal> {
        let places = match usage {
            Use::Database if value.starts_with("sqlite:") => return Ok(()),
            Use::Database => Place::of_database(value),
            Use::Proxy => Url::parse(value).ok().as_ref().and_then(Place::of).map(|place| vec![place]),
            Use::Credential | Use::Webhook | Use::Ca | Use::Header => return Ok(()),
        };
        let destination = |place| Destination { place, name: format!("the {usage} that it names itself") };
        match places {
            None => self.reaches(&destination(None)),
            Some(places) => places.into_iter().try_for_each(|place| self.reaches(&destination(Some(place)))),
        }
    }

    fn reaches(&self, destination: &Destination) -> Result<(), Refusal> {
        let Some(hosts) = self.hosts.as_deref().map(Hosts::lenient) else { return Ok(()) };
        if destination.place.as_ref().is_some_and(|place| hosts.names(place)) {
            return Ok(());
        }
        Err(Refusal::Elsewhere { destination: destination.name.clone() })
    }

    /// Whether Secrets of this type are made by Kubernetes, by Helm or by us for a purpose of their own. Whatever they
    /// carry: an annotation is easily put on too many.
    #[must_use]
    pub fn is_never_used(&self, usage: Use, key: &str) -> bool {
        let (domain, name) = self.kind.split_once('/').unwrap_or(("", &self.kind));
        let of = |owner: &str| domain == owner || domain.strip_suffix(owner).is_some_and(|rest| rest.ends_with('.'));
        if domain == "kubernetes.io" {
            return match name {
                // People make them, to be sent to a server.
                "basic-auth" => false,
                // The certificates are public, and the private key stays where it is.
                "tls" => usage != Use::Ca || !["ca.crt", "tls.crt"].contains(&key),
                _ => true,
            };
        }
        ["kubernetes.io", "k8s.io", "x-k8s.io", "helm.sh", "gitlab-connector.dev"].iter().any(|owner| of(owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(kind: &str, uses: Option<&str>, hosts: Option<&str>) -> Offer {
        Offer { kind: kind.to_owned(), uses: uses.map(str::to_owned), hosts: hosts.map(str::to_owned) }
    }

    fn asked(offer: &Offer, usage: Use, host: &str, consent: Consent) -> Result<(), Refusal> {
        let sent_to = [Destination { place: Some(Place::new(host, Some(443))), name: format!("'{host}'") }];
        offer.allows(("metrics", "tokens", "k"), Wanted { usage, sent_to: &sent_to }, consent)
    }

    #[test]
    fn a_secret_is_used_for_what_its_owner_says_and_for_nothing_else() {
        let said = |uses, usage| asked(&offer("Opaque", uses, None), usage, "gitlab", Consent::Required).is_ok();

        assert!(said(Some("credential"), Use::Credential));
        assert!(said(Some("database, credential ,nonsense"), Use::Credential));
        for uses in [None, Some(""), Some("database"), Some("Credential"), Some("credentials"), Some("true"), Some("*")]
        {
            assert!(!said(uses, Use::Credential), "{uses:?}");
        }
        for usage in Use::ALL {
            assert!(said(Some(usage.as_str()), usage), "{usage}");
        }
    }

    #[test]
    fn where_consent_is_optional_only_secrets_that_say_nothing_are_used_for_everything() {
        let said = |uses| asked(&offer("Opaque", uses, None), Use::Credential, "gitlab", Consent::Optional).is_ok();

        assert!(said(None));
        assert!(!said(Some("database")) && !said(Some("")));
        let elsewhere = offer("Opaque", None, Some("gitlab.example"));
        assert!(asked(&elsewhere, Use::Credential, "evil.example", Consent::Optional).is_err());
    }

    #[test]
    fn secrets_that_programs_made_for_themselves_are_never_used_whatever_they_carry() {
        let never =
            |kind: &str, usage: Use, key: &str| offer(kind, Some(usage.as_str()), None).is_never_used(usage, key);

        for kind in [
            "kubernetes.io/service-account-token",
            "bootstrap.kubernetes.io/token",
            "kubernetes.io/dockerconfigjson",
            "kubernetes.io/dockercfg",
            "kubernetes.io/ssh-auth",
            "kubernetes.io/tls",
            "kubernetes.io/of-tomorrow",
            "helm.sh/release.v1",
            "cluster.x-k8s.io/secret",
            "gitlab-connector.dev/webhook",
        ] {
            assert!(never(kind, Use::Credential, "token"), "{kind}");
            let refused = asked(&offer(kind, Some("credential"), None), Use::Credential, "gitlab", Consent::Optional);
            assert!(matches!(refused, Err(Refusal::Never { .. })), "{kind}: {refused:?}");
        }
        for kind in ["", "Opaque", "kubernetes.io/basic-auth", "example.com/token", "nothelm.sh/x"] {
            assert!(!never(kind, Use::Credential, "token"), "{kind}");
        }
        assert!(!never("kubernetes.io/tls", Use::Ca, "ca.crt") && !never("kubernetes.io/tls", Use::Ca, "tls.crt"));
        assert!(never("kubernetes.io/tls", Use::Ca, "tls.key") && never("kubernetes.io/tls", Use::Header, "ca.crt"));
    }

    #[test]
    fn a_secret_goes_only_to_the_hosts_that_its_owner_names() {
        let tokens = offer("Opaque", Some("credential"), Some("gitlab.example, *.lab.example"));
        let sent = |host| asked(&tokens, Use::Credential, host, Consent::Required);

        assert_eq!((sent("gitlab.example"), sent("a.lab.example")), (Ok(()), Ok(())));
        let refused = sent("evil.example").unwrap_err().to_string();
        assert!(refused.contains("'evil.example'") && !refused.contains("lab.example"), "{refused}");
        assert!(asked(&offer("", Some("credential"), Some("")), Use::Credential, "a", Consent::Required).is_err());
        let nobody_knows = [Destination { place: None, name: "the proxy".to_owned() }];
        let wanted = Wanted { usage: Use::Credential, sent_to: &nobody_knows };
        assert!(tokens.allows(("metrics", "tokens", "k"), wanted, Consent::Required).is_err());
    }

    #[test]
    fn a_url_in_a_secret_leads_only_where_the_secret_may_go() {
        let itself = |usage, value| offer("", None, Some("db.example,proxy.example")).allows_itself(value, usage);

        assert_eq!(itself(Use::Database, "postgres://u:hush@db.example/x"), Ok(()));
        assert_eq!(itself(Use::Proxy, "http://u:hush@proxy.example:3128"), Ok(()));
        for (usage, value) in [
            (Use::Database, "postgres://u:hush@evil.example/x"),
            (Use::Database, "postgres://u:hush@db.example/x?hostaddr=10.0.0.1"),
            (Use::Database, "postgres://u:hush@db%2eexample/x"),
            (Use::Proxy, "http://u:hush@evil.example"),
            (Use::Proxy, "hush"),
        ] {
            let refused = itself(usage, value).unwrap_err().to_string();
            assert!(!refused.contains("hush") && !refused.contains("evil"), "{refused}");
        }
    }

    #[test]
    fn the_refusal_names_the_command_that_mends_it_and_keeps_what_was_said_before() {
        let refused = |uses| {
            asked(&offer("Opaque", uses, None), Use::Credential, "gitlab", Consent::Required).unwrap_err().to_string()
        };

        let none = refused(None);
        assert!(
            none.ends_with("kubectl -n metrics annotate --overwrite secret tokens gitlab-connector.dev/use=credential"),
            "{none}"
        );
        let more = refused(Some("database,x;rm -rf"));
        assert!(more.ends_with("gitlab-connector.dev/use=credential,database"), "{more}");
    }
}
