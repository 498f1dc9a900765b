//! The views, which each migration makes anew.
//!
//! They hold nothing of ours, but people hang things on them: rights of roles, which are given again, and views of their
//! own, which are never dropped. SQLite knows no rights, and looks up what a view reads when it is read.

use super::Error;
use super::database::{Sql, Tx};
use super::document::{Relation, comments, relations};
use super::template::{Dialect, render};

/// The views of the newest version, for both databases.
pub(super) const VIEWS: &str = include_str!("schema/views.sql");

/// Tables that a migration makes anew, with the rights on them.
const ANEW: [&str; 1] = ["gitlab_labels"];

/// Views that older versions had, those that read others first.
const FORMER: [&str; 2] = ["metrics_medians_by_project", "metrics_medians_weekly"];

impl Tx {
    /// Takes the views out of the way of changes of what they read. Answers the statements that give their rights again.
    ///
    /// # Errors
    /// [`Error::ViewsInUse`] when views that are not ours read ours.
    pub(super) async fn drop_views(&mut self) -> Result<Vec<String>, Error> {
        // A column that is not there any more takes its rights along.
        const RIGHTS: &str = "
            select format('grant %s on %I to %s%s', a.privilege_type, c.relname,
                case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
                case when a.is_grantable then ' with grant option' else '' end), c.relname::text, ''
              from pg_class c cross join lateral aclexplode(c.relacl) a
              where c.relkind in ('v', 'r') and c.relnamespace = current_schema()::regnamespace and a.grantee <> c.relowner
            union all
            select format('grant %s (%I) on %I to %s%s', a.privilege_type, n.attname, c.relname,
                case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
                case when a.is_grantable then ' with grant option' else '' end), c.relname::text, n.attname::text
              from pg_class c join pg_attribute n on n.attrelid = c.oid and n.attnum > 0
              cross join lateral aclexplode(n.attacl) a
              where c.relkind = 'v' and c.relnamespace = current_schema()::regnamespace and a.grantee <> c.relowner";
        const READERS: &str = "
            select distinct o.oid::regclass::text, r.relname::text, o.relname::text
            from pg_class r join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = r.oid
            join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
            join pg_class o on o.oid = w.ev_class and o.oid <> r.oid
            where r.relnamespace = current_schema()::regnamespace and r.relkind = 'v' order by 1";

        let ours = relations(VIEWS);
        let is_ours = |name: &str| FORMER.contains(&name) || ours.iter().any(|view| view.name == name);
        let mut rights = Vec::new();
        if let Tx::Postgres(_) = self {
            let readers = self.fetch(Sql::both(READERS), vec![]).await?;
            let foreign = readers.iter().filter(|row| is_ours(&row.text(1)) && !is_ours(&row.text(2)));
            let foreign: Vec<String> = foreign.map(|row| row.text(0)).collect();
            if !foreign.is_empty() {
                return Err(Error::ViewsInUse(foreign.join(", ")));
            }
            let given = self.fetch(Sql::both(RIGHTS), vec![]).await?;
            let lasting = given.iter().filter(|row| {
                let (view, column) = (row.text(1), row.text(2));
                let lasts = |known: &Relation| {
                    known.name == view && (column.is_empty() || known.columns.iter().any(|known| known.name == column))
                };
                ours.iter().any(lasts) || ANEW.contains(&view.as_str())
            });
            rights.extend(lasting.map(|row| row.text(0)));
        }
        // Those that read others come first.
        let names = FORMER.into_iter().chain(ours.iter().rev().map(|view| view.name.as_str()));
        let drops = names.map(|name| format!("drop view if exists {name};\n"));
        self.script(drops.collect()).await?;
        Ok(rights)
    }

    /// Makes the views, with their descriptions and the rights that were given on them.
    pub(super) async fn create_views(&mut self, rights: &[String]) -> Result<(), Error> {
        match self {
            Tx::Postgres(_) => {
                self.script(format!("{}\n{}", render(VIEWS, Dialect::Postgres), comments(VIEWS))).await?;
                self.script(rights.join(";\n")).await
            }
            Tx::Sqlite(_) => self.script(render(VIEWS, Dialect::Sqlite)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_macro_of_the_views_is_known() {
        for dialect in [Dialect::Postgres, Dialect::Sqlite] {
            let views = render(VIEWS, dialect);

            assert!(!views.contains(['{', '}']), "{views}");
        }
    }
}
