//! The tokens of one connection, and which of them asks next. Budgets belong to users, so tokens that turn out to belong
//! to one user share one budget. A token that GitLab refuses is set aside; the others go on.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::answer::{Limited, RawAnswer};
use super::limits::Budget;
use super::{Dialect, SetAside, Token};

#[derive(Debug)]
pub(super) struct Pool {
    slots: Vec<Slot>,
    /// One for each token at first; tokens of one user point to the same one once their user is known.
    budgets: Vec<Budget>,
}

#[derive(Debug)]
struct Slot {
    name: String,
    header: Option<HeaderValue>,
    budget: usize,
    user: Option<i64>,
    aside: Option<Aside>,
}

/// Why and since when a token is not asked with.
#[derive(Debug, Clone, Copy)]
struct Aside {
    dialect: Dialect,
    since: Instant,
}

/// How long a refused token is left alone: a GitLab in trouble refuses good ones too.
const LEFT_ALONE: Duration = Duration::from_secs(300);

/// Who asks next.
#[derive(Debug)]
pub(super) enum Pick {
    /// This token, now.
    Go { token: usize, header: HeaderValue },
    /// All that may ask must wait until then.
    Wait(Instant),
    /// Every token that may ask has been set aside or has tried already; the last one set aside, if any.
    Nobody(Option<SetAside>),
}

impl Pool {
    /// Surrounding white space (a Secret's last newline) is no part of a token. What still cannot be a header is set
    /// aside at once: one malformed token must not stop the others.
    pub(super) fn new(tokens: &[Token], header: impl Fn(&str) -> Option<HeaderValue>) -> Pool {
        let slots = tokens.iter().enumerate().map(|(index, token)| {
            let secret = token.secret.expose_secret().trim();
            let header = if secret.is_empty() { None } else { header(secret) };
            let aside = header.is_none().then(|| Aside { dialect: Dialect::Malformed, since: Instant::now() });
            Slot { name: token.name.clone(), header, budget: index, user: None, aside }
        });
        Pool { slots: slots.collect(), budgets: tokens.iter().map(|_| Budget::default()).collect() }
    }

    pub(super) fn names(&self, within: &[usize]) -> Vec<String> {
        within.iter().map(|index| self.slots[*index].name.clone()).collect()
    }

    pub(super) fn name(&self, token: usize) -> &str {
        &self.slots[token].name
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.slots.iter().position(|slot| slot.name == name)
    }

    pub(super) fn set_aside(&self, within: &[usize]) -> Vec<SetAside> {
        within.iter().filter_map(|index| self.slots[*index].report()).collect()
    }

    /// The limit that GitLab names for the user of the token, in requests a minute.
    pub(super) fn rate_limit(&self, token: usize) -> Option<u64> {
        self.budgets[self.slots[token].budget].limit
    }

    /// The tokens that may ask, those of one user together. One whose user is unknown stands alone.
    pub(super) fn by_user(&self, within: &[usize], now: Instant) -> Vec<Vec<usize>> {
        let mut users: Vec<(Option<i64>, Vec<usize>)> = Vec::new();
        for index in within.iter().copied().filter(|index| self.slots[*index].may_ask(now)) {
            let user = self.slots[index].user;
            match users.iter_mut().find(|(known, _)| known.is_some() && *known == user) {
                Some((_, tokens)) => tokens.push(index),
                None => users.push((user, vec![index])),
            }
        }
        users.into_iter().map(|(_, tokens)| tokens).collect()
    }

    /// Tokens whose user is not known yet.
    pub(super) fn strangers(&self, within: &[usize]) -> Vec<usize> {
        let stranger = |slot: &Slot| slot.user.is_none() && slot.aside.is_none();
        within.iter().copied().filter(|index| stranger(&self.slots[*index])).collect()
    }

    /// The user with most left to spend asks, then the one with the fewest requests under way.
    ///
    /// A single token that was set aside may still be asked for by name, and any of them after a while: that is how they
    /// come back.
    pub(super) fn pick(&mut self, within: &[usize], tried: &[usize], operation: &str, now: Instant) -> Pick {
        let alone = within.len() == 1;
        let usable = |slot: &Slot| slot.header.is_some() && (alone || slot.may_ask(now));
        let candidates = within.iter().copied().filter(|index| !tried.contains(index) && usable(&self.slots[*index]));

        let mut best: Option<usize> = None;
        let mut earliest: Option<Instant> = None;
        for index in candidates {
            let budget = &self.budgets[self.slots[index].budget];
            if let Some(free_at) = budget.free_at(operation, now) {
                earliest = Some(earliest.map_or(free_at, |earliest| earliest.min(free_at)));
                continue;
            }
            let better = best.is_none_or(|best| budget.beats(&self.budgets[self.slots[best].budget]));
            if better {
                best = Some(index);
            }
        }
        match (best, earliest) {
            (Some(token), _) => self.go(token),
            (None, Some(until)) => Pick::Wait(until),
            (None, None) => Pick::Nobody(within.iter().filter_map(|index| self.slots[*index].report()).next_back()),
        }
    }

    fn go(&mut self, token: usize) -> Pick {
        let budget = self.budget(token);
        budget.in_flight += 1;
        budget.sent += 1;
        match self.slots[token].header.clone() {
            Some(header) => Pick::Go { token, header },
            None => Pick::Nobody(self.slots[token].report()),
        }
    }

    /// The request that [`Pool::pick`] let go has ended, however it ended.
    pub(super) fn ended(&mut self, token: usize) {
        let budget = self.budget(token);
        budget.in_flight = budget.in_flight.saturating_sub(1);
    }

    pub(super) fn observe(&mut self, token: usize, answer: &RawAnswer, now: Instant) {
        self.budget(token).observe(answer, now);
    }

    pub(super) fn succeed(&mut self, token: usize, operation: &str) {
        self.slots[token].aside = None;
        self.budget(token).succeed(operation);
    }

    pub(super) fn refuse(&mut self, token: usize, operation: Cow<'static, str>, limited: Limited, now: Instant) {
        self.budget(token).refuse(operation, limited, now);
    }

    /// True if it was not set aside before.
    pub(super) fn put_aside(&mut self, token: usize, dialect: Dialect) -> bool {
        self.slots[token].aside.replace(Aside { dialect, since: Instant::now() }).is_none()
    }

    /// From now on the token spends from the budget of its user.
    pub(super) fn learn_user(&mut self, token: usize, user: i64) {
        self.slots[token].user = Some(user);
        let known = self.slots.iter().position(|slot| slot.user == Some(user));
        if let Some(first) = known.filter(|first| *first != token) {
            self.slots[token].budget = self.slots[first].budget;
        }
    }

    fn budget(&mut self, token: usize) -> &mut Budget {
        &mut self.budgets[self.slots[token].budget]
    }
}

impl Slot {
    fn may_ask(&self, now: Instant) -> bool {
        self.aside.is_none_or(|aside| now.duration_since(aside.since) >= LEFT_ALONE)
    }

    fn report(&self) -> Option<SetAside> {
        self.aside.map(|aside| SetAside { token: self.name.clone(), dialect: aside.dialect })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [usize; 2] = [0, 1];

    fn pool() -> Pool {
        let token = |name: &str| Token { name: name.into(), secret: format!("secret-of-{name}\n").into() };
        Pool::new(&[token("a"), token("b")], |secret| HeaderValue::from_str(secret).ok())
    }

    fn picked(pool: &mut Pool) -> Option<usize> {
        match pool.pick(&ALL, &[], "users", Instant::now()) {
            Pick::Go { token, .. } => Some(token),
            _ => None,
        }
    }

    fn with_remaining(remaining: &str) -> RawAnswer {
        let mut answer = RawAnswer::recorded(200, "application/json", "{}");
        answer.headers.insert("ratelimit-remaining", remaining.parse().unwrap());
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn requests_alternate_between_users_of_unknown_budget() {
        let mut pool = pool();

        let order: Vec<_> = (0..4).map(|_| picked(&mut pool)).collect();

        assert_eq!(order, [Some(0), Some(1), Some(0), Some(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_user_with_most_left_asks() {
        let mut pool = pool();
        pool.observe(0, &with_remaining("10"), Instant::now());
        pool.observe(1, &with_remaining("100"), Instant::now());

        assert_eq!([picked(&mut pool), picked(&mut pool)], [Some(1), Some(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn two_tokens_of_one_user_share_one_budget() {
        let mut pool = pool();
        pool.learn_user(0, 7);
        pool.learn_user(1, 7);
        let limited = Limited { delay: Some(std::time::Duration::from_secs(30)), whole_user: true };

        pool.refuse(0, Cow::Borrowed("users"), limited, Instant::now());

        assert!(matches!(pool.pick(&ALL, &[], "users", Instant::now()), Pick::Wait(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_set_aside_is_reported_and_the_others_go_on() {
        let mut pool = pool();

        assert!(pool.put_aside(0, Dialect::Revoked));
        assert_eq!([picked(&mut pool), picked(&mut pool)], [Some(1), Some(1)]);
        assert_eq!(pool.set_aside(&ALL), [SetAside { token: "a".into(), dialect: Dialect::Revoked }]);

        assert!(pool.put_aside(1, Dialect::Expired));
        let last = pool.pick(&ALL, &[], "users", Instant::now());
        assert!(matches!(last, Pick::Nobody(Some(SetAside { dialect: Dialect::Expired, .. }))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_set_aside_is_tried_again_after_a_while() {
        let mut pool = pool();
        pool.put_aside(0, Dialect::Plain);
        pool.put_aside(1, Dialect::Plain);
        assert_eq!(picked(&mut pool), None);

        tokio::time::advance(LEFT_ALONE).await;

        let asks = picked(&mut pool);
        assert!(asks.is_some(), "a GitLab that was in trouble may know its tokens again");
        pool.put_aside(asks.unwrap(), Dialect::Plain);
        assert_ne!(picked(&mut pool), asks, "one that is refused again is left alone again");
    }

    #[test]
    fn what_cannot_be_a_header_is_set_aside_at_once() {
        let token = |name: &str, secret: &str| Token { name: name.into(), secret: secret.into() };
        let tokens = [token("empty", " \n"), token("torn", "a\nb"), token("good", "glpat-x\n")];

        let pool = Pool::new(&tokens, |secret| HeaderValue::from_str(secret).ok());

        let names: Vec<_> = pool.set_aside(&[0, 1, 2]).into_iter().map(|aside| aside.token).collect();
        assert_eq!(names, ["empty", "torn"]);
    }
}
