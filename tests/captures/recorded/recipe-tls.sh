#!/bin/bash
# Records the tls-* captures: OpenSSL and curl on both sides, with certificates made here.
#
# Debian packages: openssl curl python3 ethtool iproute2 tcpdump tshark.
# Run as root, from anywhere; nothing is installed, nothing is left behind. The fingerprints
# of the certificates stay in tls-fingerprints.txt, for the expected records.
set -eu
. "$(dirname "$0")/recipe-common.sh"

need openssl openssl
need curl curl

certificate_error()
{
    die "openssl: $(tail -n 3 "$WORK/openssl.log")"
}

# certificate NAME ISSUER|- SUBJECT EXTENSION...: RSA, so that a chain is long.
certificate()
{
    local name=$1 issuer=$2 subject=$3 sign=()
    shift 3
    printf '%s\n' "$@" > "$WORK/$name.ext"
    openssl req -newkey rsa:2048 -nodes -sha256 -subj "$subject" \
        -keyout "$WORK/$name.key" -out "$WORK/$name.csr" 2> "$WORK/openssl.log" || certificate_error
    if [ "$issuer" = - ]; then
        sign=(-signkey "$WORK/$name.key")
    else
        sign=(-CA "$WORK/$issuer.crt" -CAkey "$WORK/$issuer.key" -CAcreateserial)
    fi
    openssl x509 -req -days 3650 -sha256 -in "$WORK/$name.csr" "${sign[@]}" \
        -extfile "$WORK/$name.ext" -out "$WORK/$name.crt" 2> "$WORK/openssl.log" \
        || certificate_error
    printf '%s %s\n' "$name" "$(openssl x509 -in "$WORK/$name.crt" -noout -fingerprint -sha256 \
        | sed 's/.*=//; s/://g')" >> "$WORK/fingerprints"
}

make_certificates()
{
    certificate root - '/O=Example/CN=Example Root' basicConstraints=critical,CA:TRUE
    certificate intermediate root '/O=Example/CN=Example Intermediate' \
        basicConstraints=critical,CA:TRUE
    certificate leaf intermediate '/CN=not.the.name.example' \
        subjectAltName=DNS:www.edge.example,DNS:edge.example,IP:192.0.2.2
    certificate plain - '/O=Example/CN=plain.edge.example' basicConstraints=CA:FALSE
    certificate node intermediate '/O=Example/CN=node7' subjectAltName=DNS:node7.clients.example
    cat "$WORK/leaf.crt" "$WORK/intermediate.crt" "$WORK/root.crt" > "$WORK/chain.crt"
    cp "$WORK/fingerprints" "$HERE/tls-fingerprints.txt"
}

# serve PORT OPTION...: openssl's own web server
serve()
{
    local port=$1
    shift
    start "$SERVER" openssl s_server -accept "$port" -www -key "$WORK/leaf.key" \
        -cert "$WORK/leaf.crt" -cert_chain "$WORK/chain-rest.crt" "$@"
    wait_port "$SERVER" tcp "$port"
}

fetch()
{
    local port=$1
    shift
    on "$CLIENT" curl -sS -k -o /dev/null --max-time 10 --local-port "$port" "$@" \
        || say "curl: exit $? at port $port"
}

# talk LOCAL_PORT OPTION...: openssl's own client, which ends when its input does.
talk()
{
    local port=$1
    shift
    on "$CLIENT" sh -c 'sleep 0.5 | openssl s_client "$@"' sh -bind "$CLIENT4:$port" "$@" \
        > "$WORK/s_client.log" 2>&1 || true
}

make_certificates
cat "$WORK/intermediate.crt" "$WORK/root.crt" > "$WORK/chain-rest.crt"
lay_cable

serve 443 -tls1_2
record tls-12
fetch 42001 --resolve "www.edge.example:443:$SERVER4" https://www.edge.example/
keep
record tls-resumed
talk 42002 -connect "$SERVER4:443" -servername edge.example -sess_out "$WORK/session"
talk 42003 -connect "$SERVER4:443" -servername edge.example -sess_in "$WORK/session"
keep

serve 8443 -tls1_3
record tls-13
fetch 42004 --resolve "www.edge.example:8443:[$SERVER6]" https://www.edge.example:8443/
keep

serve 4443 -tls1_2 -Verify 3 -CAfile "$WORK/root.crt"
record tls-client-cert
talk 42005 -connect "$SERVER4:4443" -servername mutual.edge.example \
    -cert "$WORK/node.crt" -key "$WORK/node.key" -cert_chain "$WORK/intermediate.crt"
keep

start "$SERVER" openssl s_server -accept 5443 -www -tls1_2 \
    -key "$WORK/plain.key" -cert "$WORK/plain.crt"
wait_port "$SERVER" tcp 5443
record tls-nameless
fetch 42006 "https://$SERVER4:5443/"
keep

start "$SERVER" /usr/bin/python3 "$HERE/servers/smtp.py" "$SERVER4" 25 \
    "$WORK/chain.crt" "$WORK/leaf.key"
wait_port "$SERVER" tcp 25
record tls-starttls
talk 42007 -connect "$SERVER4:25" -starttls smtp -servername mail.example
keep

# Both hosts ask for segments of 100 bytes: a hello takes three or more of them.
ip -n "$CLIENT" route change 192.0.2.0/24 dev eth0 advmss 100
ip -n "$SERVER" route change 192.0.2.0/24 dev eth0 advmss 100
record tls-split
fetch 42008 --resolve "www.edge.example:443:$SERVER4" https://www.edge.example/
keep

expect tls
