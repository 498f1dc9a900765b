# What ./demo --kubernetes shows: the chart in a cluster, a connection, rows, a webhook, and the way back.
# Each command is shown with its output. Pods are processes of this machine, so they share its ports.
webhooks=8930 database=8931 controller=8932 receiver=8933
url="postgres://gitlab_connector:demo@127.0.0.1:$database/gitlab_connector"
postgres="$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -1)"
data="$(mktemp -d)"

as_postgres() { if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
finish() {
  trap - EXIT INT TERM
  as_root kill $(jobs -p) 2>/dev/null || true
  wait 2>/dev/null || true
  as_postgres "$postgres/pg_ctl" stop --silent --mode immediate --pgdata "$data/data" 2>/dev/null || true
  as_root rm -rf "$data"
}
trap finish EXIT
need_ports 8929 $webhooks $database $controller $receiver

say "A Kubernetes of this machine's: a real API server, and pods that are processes"
# A function in the background would be a shell of its own, which takes the signal instead.
root=() && [ "$(id -u)" -eq 0 ] || root=(sudo)
"${root[@]}" ./target/debug/control-plane up --directory "$place/cluster" \
  --image gitlab-connector:0.1.0=target/debug/gitlab-connector >"$place/cluster.log" 2>&1 &
until_written '^ready' "$place/cluster.log" $!
named() { sed -n "s/^$1: //p" "$place/cluster.log"; }
[ "$(id -u)" -eq 0 ] || as_root chown -R "$(id -u)" "$(named kubeconfig)"
# The plugin of kubectl is the same binary under another name.
mkdir "$place/bin"
ln -s "$(named kubectl)" "$place/bin/kubectl"
ln -s "$(named helm)" "$place/bin/helm"
ln -s "$PWD/target/debug/gitlab-connector" "$place/bin/kubectl-gitlab_connector"
export KUBECONFIG="$(named kubeconfig)" PATH="$PWD/$place/bin:$PATH"
run kubectl version

start_gitlab

say "A PostgreSQL"
if [ "$(id -u)" -eq 0 ]; then chown postgres "$data"; fi
as_postgres "$postgres/initdb" --auth=trust --no-sync --encoding=UTF8 --locale=C --username=postgres --pgdata "$data/data" >/dev/null
as_postgres "$postgres/pg_ctl" start --wait --silent --pgdata "$data/data" --log "$data/log" \
  --options "-c listen_addresses=127.0.0.1 -p $database -c unix_socket_directories=$data -c fsync=off"
ask() { printf '\n%s\n\n' "$1"; "$postgres/psql" --no-psqlrc --pset footer=off "$url" --command "$1"; }
value() { "$postgres/psql" --no-psqlrc --tuples-only --no-align "$url" --command "$1"; }
administrator="postgres://postgres@127.0.0.1:$database/postgres"
"$postgres/psql" --quiet "$administrator" --command "create role gitlab_connector login password 'demo'" \
  --command "create database gitlab_connector owner gitlab_connector"
echo "$url"

say "Install: one chart"
run helm install gitlab-connector charts/gitlab-connector --namespace metrics --create-namespace --wait --timeout 2m \
  --set receiver.url=http://127.0.0.1:$webhooks/webhooks/gitlab \
  --set receiver.port=$webhooks,receiver.healthPort=$receiver,controller.port=$controller
kubectl config set-context --current --namespace metrics >/dev/null
run kubectl get pods

say "Connect: one manifest, with its Secrets"
started=$SECONDS
run kubectl apply -f examples/kubernetes.yaml
show kubectl get gitlabconnections --watch
kubectl get gitlabconnections --watch &
watch=$!
kubectl wait gitlabconnection/acme --for condition=Ready --timeout 3m >/dev/null || {
  kubectl describe gitlabconnection acme
  fail "the connection did not become Ready; the logs of the pods are in $place/cluster/pods/logs"
}
sleep 1
kill $watch
wait $watch 2>/dev/null || true
echo "Ready after $((SECONDS - started)) s"
run kubectl get jobs,pods
run kubectl describe gitlabconnection acme
run kubectl gitlab-connector status acme

say "Rows, by SQL"
ask "select (select count(*) from repos) as repos, (select count(*) from pull_requests) as pull_requests,
  (select count(*) from pull_request_reviews) as reviews, (select count(*) from users) as users"
ask "select repo, merge_requests, round(cycle_time_hours::numeric, 1) as cycle_time_h, round(first_review_hours::numeric, 1) as first_review_h
from cycle_time_by_project order by repo"

say "A merge request changes in GitLab, and its row with it"
title="Opened while you watch"
run curl --silent --show-error --request POST "$gitlab/-/simulator/open" --data "{\"project\": \"acme/web\", \"user\": \"root\", \"title\": \"$title\"}"
echo
started=$SECONDS
until [ "$(value "select count(*) from gitlab_merge_requests where title = '$title'")" -eq 1 ]; do
  [ $((SECONDS - started)) -lt 60 ] || fail "no row after a minute; the logs of the pods are in $place/cluster/pods/logs"
  sleep 0.2
done
ask "select iid, state, title from gitlab_merge_requests where title = '$title'"

say "Delete the connection, and its webhooks are gone from GitLab"
hooks() {
  local ask=(curl --silent --show-error --header "PRIVATE-TOKEN: glpat-demo-owner" "$gitlab/api/v4/groups/acme/hooks")
  show "${ask[@]}"
  local answer
  answer="$("${ask[@]}")"
  echo "${answer:0:160}$([ ${#answer} -le 160 ] || echo …)"
}
hooks
run kubectl delete gitlabconnection acme
hooks

say "What to try next"
if $once; then
  echo "  ./demo --kubernetes   the same, and it stays until Ctrl-C"
  exit 0
fi
cat <<TXT
In another terminal, from this directory; all of this stays until Ctrl-C:

  export KUBECONFIG=$KUBECONFIG PATH=$PWD/$place/bin:\$PATH
  kubectl apply -f examples/kubernetes.yaml      connects again; what was imported is still there
  kubectl get gitlabconnections --watch
  kubectl gitlab-connector check acme            what the tokens can do, as the cluster's Secrets hold them
  kubectl edit secret acme-gitlab                break a token, and see what the connection says of it
  kubectl annotate gitlabconnection acme gitlab-connector.dev/import-requested-at="\$(date)" --overwrite
  helm test gitlab-connector
  $postgres/psql $url
  ls $place/cluster/pods/logs                    what the pods wrote
TXT
sleep infinity &
wait $!
