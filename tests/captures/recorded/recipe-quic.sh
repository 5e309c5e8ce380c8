#!/bin/bash
# Records the quic-* captures: ngtcp2's example server and client, HTTP/3 over QUIC.
#
# Debian packages: ngtcp2-client ngtcp2-server openssl ethtool iproute2 tcpdump tshark.
# Run as root, from anywhere; nothing is installed, nothing is left behind.
set -eu
. "$(dirname "$0")/recipe-common.sh"

need gtlsclient ngtcp2-client
need gtlsserver ngtcp2-server
need openssl openssl

mkdir "$WORK/htdocs"
seq -f 'line %06.0f' 1 40 > "$WORK/htdocs/index.html"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -sha256 \
    -subj '/CN=quic.edge.example' -addext 'subjectAltName=DNS:quic.edge.example' \
    -keyout "$WORK/quic.key" -out "$WORK/quic.crt" 2> "$WORK/openssl.log"

# The client takes the server's name from its address argument, so that the name must resolve.
cat > "$WORK/hosts" <<END
$SERVER4 quic.edge.example negotiated.edge.example retry.edge.example
$SERVER6 six.edge.example
END

# fetch PORT NAME OPTION...
fetch()
{
    local port=$1 name=$2
    shift 2
    on "$CLIENT" timeout 10 unshare -m \
        sh -c 'mount --bind "$0" /etc/hosts && exec gtlsclient "$@"' \
        "$WORK/hosts" -q --exit-on-all-streams-close "$@" "$name" "$port" \
        "https://$name:$port/index.html" > "$WORK/gtlsclient.log" 2>&1 || say "gtlsclient: exit $?"
}

lay_cable
start "$SERVER" gtlsserver -q -d "$WORK/htdocs" '*' 4433 "$WORK/quic.key" "$WORK/quic.crt"
start "$SERVER" gtlsserver -q -V -d "$WORK/htdocs" '*' 4434 "$WORK/quic.key" "$WORK/quic.crt"
wait_port "$SERVER" udp 4433
wait_port "$SERVER" udp 4434

record quic-v1
fetch 4433 quic.edge.example
fetch 4433 six.edge.example
keep

# A version that does not exist: the server names those it speaks, and the client starts anew.
record quic-negotiated
fetch 4433 negotiated.edge.example --version=0x1a2a3a4a --preferred-versions=v1 --other-versions=v1
keep

# The server asks the client to prove its address: the hello comes twice, under other keys.
record quic-retry
fetch 4434 retry.edge.example
keep

expect quic
