//! SQL that is written once for both databases.
//!
//! `{name(argument, …)}` stands for what the dialects say differently; everything else is understood by both.

/// A database's own way of saying things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

/// The text in one dialect.
pub(super) fn render(template: &str, dialect: Dialect) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (macro_call, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(&expand(macro_call, dialect));
        rest = after;
    }
    text.push_str(rest);
    text
}

/// What a macro stands for. One that nobody knows stays as it is: the database refuses it, and a test finds it first.
fn expand(macro_call: &str, dialect: Dialect) -> String {
    let (name, arguments) =
        macro_call.strip_suffix(')').and_then(|call| call.split_once('(')).unwrap_or((macro_call, ""));
    let postgres = dialect == Dialect::Postgres;
    match (name, arguments_of(arguments).as_slice()) {
        // The ids of a statement's document, and to each row before, the rows of a table that belong to it. PostgreSQL must
        // not plan these as it likes: while tables grow quickly, it would read them whole ever after.
        ("wanted", [""]) if postgres => {
            "(select value::bigint as id from json_array_elements_text($2::text::json)) w".to_owned()
        }
        ("wanted", [""]) => "(select value as id from json_each($2)) w".to_owned(),
        ("of", [table, alias, key, id]) if postgres => {
            format!(
                "cross join lateral (select * from {table} x where x.source = $1 and x.{key} = {id} offset 0) {alias}"
            )
        }
        ("of", [table, alias, key, id]) => {
            format!("cross join {table} {alias} on {alias}.source = $1 and {alias}.{key} = {id}")
        }
        // That a project is followed: those that are not are few, and have an index of their own.
        ("followed", [source, project]) => format!(
            "({source}, {project}) not in (select p.source, p.id from gitlab_projects p \
             where p.deleted_at is not null or p.out_of_scope_at is not null or p.excluded_at is not null)"
        ),
        // That an environment counts as production; NULL where nothing is known of it.
        ("production", [environment]) => format!(
            "(coalesce({environment}.tier = 'production', lower({environment}.name) in ('production', 'prod', 'live')) \
             or exists (select 1 from connector_production_environments k \
             where k.source = {environment}.source and lower({environment}.name) like k.pattern escape '!'))"
        ),
        // That a deployment is not the first of its environment that succeeded.
        ("later", [deployment]) => format!(
            "exists (select 1 from gitlab_deployments z where z.source = {deployment}.source \
             and z.environment_id = {deployment}.environment_id and z.id < {deployment}.id and z.status = 'success' \
             and z.gone_at is null)"
        ),
        // The Monday of an instant's ISO week, in UTC.
        ("week", [at]) if postgres => format!("date_trunc('week', {at} at time zone 'UTC')::date"),
        ("week", [at]) => format!("date({at}, 'weekday 0', '-6 days')"),
        // The day of an instant, in UTC.
        ("day", [at]) if postgres => format!("({at} at time zone 'UTC')::date"),
        ("day", [at]) => format!("date({at})"),
        // Seconds between two instants, at least 0.
        ("seconds", [from, to]) => seconds(from, to, dialect),
        // Of many such, the longest and the shortest.
        ("longest", [from, to]) => format!("max({})", seconds(from, to, dialect)),
        ("shortest", [from, to]) => format!("min({})", seconds(from, to, dialect)),
        // The same within business hours.
        ("business", [from, to]) => {
            let seconds = format!("{} - {}", business_seconds(to, dialect), business_seconds(from, dialect));
            format!("case when {to} < {from} then 0 else {} end", real(&seconds, dialect))
        }
        // A number with a fraction, so that a quotient keeps its own.
        ("real", [number]) => real(number, dialect),
        // A sum of whole numbers is a whole number.
        ("whole", [number]) if postgres => format!("({number})::bigint"),
        ("whole", [number]) => (*number).to_owned(),
        // A week so many weeks before another.
        ("weeks_before", [week, count]) if postgres => format!("({week} - 7 * {count})"),
        ("weeks_before", [week, count]) => format!("date({week}, (-7 * {count}) || ' days')"),
        // What stands before the first slash of a path.
        ("head", [path]) if postgres => format!("split_part({path}, '/', 1)"),
        ("head", [path]) => format!("substr({path}, 1, instr({path} || '/', '/') - 1)"),
        // The texts of a JSON array, each as `value`.
        ("texts", [array]) if postgres => format!("jsonb_array_elements_text({array})"),
        ("texts", [array]) => format!("json_each({array})"),
        // All values of a group, from which an outer query takes the median: SQLite has no such aggregate.
        ("gathered", [value]) if postgres => format!("percentile_cont(0.5) within group (order by {value})"),
        ("gathered", [value]) => format!("json_group_array({value})"),
        ("median", [gathered]) if postgres => (*gathered).to_owned(),
        ("median", [gathered]) => format!(
            "(select avg(value) from (select value, row_number() over (order by value) as place, count(*) over () as size \
             from json_each({gathered}) where value is not null) where place in ((size + 1) / 2, (size + 2) / 2))"
        ),
        // The same for the value below which 50, 75 or 90 of a hundred lie.
        ("spread", [value]) if postgres => {
            format!("percentile_cont(array[0.5, 0.75, 0.9]) within group (order by {value})")
        }
        ("spread", [value]) => format!("json_group_array({value})"),
        ("within", [share @ ("50" | "75" | "90"), spread]) => within(share, spread, dialect),
        _ => format!("{{{macro_call}}}"),
    }
}

/// The arguments, which stand between commas that are in no parentheses of their own.
fn arguments_of(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let outside = |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    text.split(outside).map(str::trim).collect()
}

fn seconds(from: &str, to: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Postgres => {
            format!("case when {to} < {from} then 0 else extract(epoch from {to} - {from})::double precision end")
        }
        Dialect::Sqlite => format!(
            "case when {to} < {from} then 0.0 else round((julianday({to}) - julianday({from})) * 86400.0, 3) end"
        ),
    }
}

/// The value of a spread below which so many of a hundred lie; between two of them where none lies there.
fn within(share: &str, spread: &str, dialect: Dialect) -> String {
    let place = match share {
        "50" => 1,
        "75" => 2,
        _ => 3,
    };
    match dialect {
        Dialect::Postgres => format!("({spread})[{place}]"),
        Dialect::Sqlite => format!(
            "(select sum(value * max(0.0, 1.0 - abs(place - 1 - {share} * (size - 1) / 100.0))) \
             from (select value, row_number() over (order by value) as place, count(*) over () as size \
             from json_each({spread}) where value is not null))"
        ),
    }
}

fn real(number: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Postgres => format!("({number})::double precision"),
        Dialect::Sqlite => format!("({number}) * 1.0"),
    }
}

/// Business seconds from a Monday long ago to an instant: 36,000 of each Monday to Friday, from 08:00 UTC on.
fn business_seconds(at: &str, dialect: Dialect) -> String {
    let (second, least, greatest) = match dialect {
        Dialect::Postgres => (format!("floor(extract(epoch from {at}))::bigint"), "least", "greatest"),
        Dialect::Sqlite => (format!("unixepoch({at})"), "min", "max"),
    };
    // The first day of the epoch was a Thursday.
    let day = format!("({second} / 86400 + 3)");
    let today = format!("{least}({greatest}({second} % 86400 - 28800, 0), 36000)");
    format!("(({day} / 7 * 5 + {least}({day} % 7, 5)) * 36000 + case when {day} % 7 < 5 then {today} else 0 end)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_is_spoken_to_in_its_own_words() {
        let template = "select {week(a.at)} from {head(f(path, 1))}";

        assert_eq!(
            render(template, Dialect::Postgres),
            "select date_trunc('week', a.at at time zone 'UTC')::date from split_part(f(path, 1), '/', 1)"
        );
        assert_eq!(
            render(template, Dialect::Sqlite),
            "select date(a.at, 'weekday 0', '-6 days') from substr(f(path, 1), 1, instr(f(path, 1) || '/', '/') - 1)"
        );
    }

    #[test]
    fn commas_in_parentheses_do_not_part_arguments() {
        assert_eq!(arguments_of("coalesce(a, f(b, c)), d"), ["coalesce(a, f(b, c))", "d"]);
    }

    #[test]
    fn what_nobody_knows_stays_for_the_database_to_refuse() {
        assert_eq!(render("{weak(a)} and {week(a, b)}", Dialect::Sqlite), "{weak(a)} and {week(a, b)}");
    }
}
