#!/bin/bash
# Records the stun-* captures: coturn's server and clients. No platform's attribute is in
# them; they are what a STUN signature must leave alone.
#
# Debian packages: coturn ethtool iproute2 tcpdump tshark. Run as root, from anywhere;
# nothing is installed, nothing is left behind.
set -eu
. "$(dirname "$0")/recipe-common.sh"

need turnserver coturn
need turnutils_stunclient coturn

lay_cable
start "$SERVER" turnserver -n -L "$SERVER4" -L "$SERVER6" -p 3478 -E "$SERVER4" \
    --lt-cred-mech -u node:secret -r edge.example --no-tls --no-dtls --no-cli \
    --userdb "$WORK/turn.db" --pidfile "$WORK/turn.pid" --log-file stdout \
    --min-port 50000 --max-port 50099 --allow-loopback-peers
wait_port "$SERVER" udp 3478

record stun-binding
on "$CLIENT" turnutils_stunclient -p 3478 -L "$CLIENT4" "$SERVER4" > "$WORK/stunclient.log" 2>&1
on "$CLIENT" turnutils_stunclient -p 3478 -L "$CLIENT6" "$SERVER6" >> "$WORK/stunclient.log" 2>&1
keep

record stun-turn
on "$CLIENT" timeout 30 turnutils_uclient -y -c -n 4 -m 1 -l 120 -L "$CLIENT4" \
    -u node -w secret -p 3478 "$SERVER4" > "$WORK/uclient.log" 2>&1 \
    || say "turnutils_uclient: exit $?: $(tail -n 2 "$WORK/uclient.log")"
keep

expect stun
