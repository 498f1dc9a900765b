# What ./demo shows without a cluster: one process, one manifest, SQLite.
database="$place/gitlab-connector.db"
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true' EXIT
need_ports 8929 8930
start_gitlab

say "One manifest connects it to a database: verify, webhooks, import, watch"
command=(./target/debug/gitlab-connector sync --watch -f examples/connection.yaml --database "sqlite:$database")
printf '$ %s\n\n' "${command[*]}"
started=$SECONDS
"${command[@]}" >"$place/sync.log" 2>"$place/sync.err" &
sync=$!
until_written ': watching' "$place/sync.err" $sync
cat "$place/sync.log"
echo
echo "from nothing to there in $((SECONDS - started)) s"

ask() { say "$1"; printf '%s\n\n' "$2"; sqlite3 -header -column "$database" "$2"; }
ask "Which reviews took longest?" \
  "select repo || '!' || number as merge_request, author, round(waited_hours, 1) as hours, title from slowest_reviews limit 5"
ask "How many merge requests a week?" \
  "select week, opened, merged, closed from merge_requests_per_week order by week desc limit 6"
ask "How long from ready to merged, by project?" \
  "select repo, merge_requests, round(cycle_time_hours, 1) as cycle_time_h, round(first_review_hours, 1) as first_review_h, median_lines
from cycle_time_by_project order by repo"
ask "How often does each project go live?" \
  "select week, repo, deployments, deploy_days, failed from metrics_deployment_frequency_weekly order by week desc, repo limit 6"

say "The company goes on working: its webhooks bring the changes"
count() { sqlite3 -cmd '.timeout 5000' "$database" "select count(*) from connector_deliveries"; }
until [ "$(count)" -gt 0 ]; do
  kill -0 $sync 2>/dev/null || { cat "$place/sync.err" >&2; exit 1; }
  sleep 0.2
done
latest="select strftime('%H:%M:%S', d.received_at) as arrived, d.event, p.path_with_namespace || '!' || d.iid as merge_request, m.state, m.title
from connector_deliveries d
left join gitlab_projects p on p.source = d.source and p.id = d.project_id
left join gitlab_merge_requests m on m.source = d.source and m.project_id = d.project_id and m.iid = d.iid
order by d.received_at desc limit 5"
sqlite3 -cmd '.timeout 5000' -header -column "$database" "$latest"

if $once; then
  say "What to try next"
  cat <<TXT
  ./demo                                   the same, and it goes on until Ctrl-C
  sqlite3 $database   the database; docs/schema.md explains it
TXT
  exit 0
fi

say "What to try next, in another terminal while this goes on"
cat <<TXT
  sqlite3 $database   the database; docs/schema.md explains it
  ./target/debug/gitlab-connector check -f examples/connection.yaml
  ./target/debug/gitlab-connector sync -f examples/connection.yaml --database sqlite:$database --remove-webhooks
  \$EDITOR examples/connection.yaml          put your own GitLab, token and groups there, then: gitlab-connector sync -f …
TXT

say "Watching rows arrive; Ctrl-C ends"
seen=0
while sleep 2; do
  now=$(count)
  if [ "$now" -ne "$seen" ]; then
    printf '%s  deliveries so far: %s, the latest: ' "$(date +%H:%M:%S)" "$now"
    sqlite3 -cmd '.timeout 5000' -separator '  ' "$database" "$latest" | head -1
    seen=$now
  fi
done
