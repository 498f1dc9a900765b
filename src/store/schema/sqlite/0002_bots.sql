-- Username patterns that tell bots from people, beside GitLab's own flag. Add your own; an exception wins over a match.
create table connector_bot_patterns (
  -- A LIKE pattern on the lower-case username; ! escapes.
  pattern text primary key,
  -- False makes an exception: who matches is a person, whatever else matches.
  is_bot integer not null
) strict;
insert into connector_bot_patterns (pattern, is_bot) values
  ('project!_%!_bot%', true), ('group!_%!_bot%', true), ('service!_account!_%', true),
  ('%-bot', true), ('%!_bot', true), ('%[bot]', true);
