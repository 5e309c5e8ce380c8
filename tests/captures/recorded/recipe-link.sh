#!/bin/bash
# Records the link-* captures: the same small talk (HTTP and DNS) under other link headers.
#
# Debian packages: nginx curl dnsmasq-base bind9-dnsutils ethtool iproute2 tcpdump tshark.
# Run as root, from anywhere; nothing is installed, nothing is left behind.
set -eu
. "$(dirname "$0")/recipe-common.sh"

need nginx nginx
need curl curl
need dnsmasq dnsmasq-base
need dig bind9-dnsutils

serve()
{
    start "$SERVER" nginx -p "$WORK/" -c "$HERE/servers/nginx.conf" -g 'user root;'
    start "$SERVER" dnsmasq -k -C /dev/null -u root -x '' -R -h \
        --host-record="edge.example,$SERVER4,$SERVER6"
    wait_port "$SERVER" tcp 80
    wait_port "$SERVER" udp 53
}

# talk LOCAL_PORT
talk()
{
    on "$CLIENT" dig +noall +nocookie -b "$CLIENT4#$1" "@$SERVER4" edge.example A
    on "$CLIENT" curl -sS -o /dev/null --resolve "edge.example:80:$SERVER4" \
        --local-port "$1" http://edge.example/small.txt
    on "$CLIENT" curl -sS -o /dev/null -g --local-port "$(($1 + 100))" \
        "http://[$SERVER6]/chunked/page.txt"
}

mkdir -p "$WORK/site" "$WORK/upload"
seq -f 'line %06.0f' 1 4 > "$WORK/site/small.txt"
seq -f 'line %06.0f' 1 400 > "$WORK/site/page.txt"
touch -d '2024-05-01 12:00:00 UTC' "$WORK"/site/*

lay_cable
serve
record link-any -i any
talk 41001
keep
record link-cooked -i any -y LINUX_SLL
talk 41002
keep

lay_relay --mirror --vlan 31
serve
record link-vlan -h "$RELAY" -i mirror0
talk 41003
keep

lay_relay --mirror --vlan 400,31
serve
record link-qinq -h "$RELAY" -i mirror0
talk 41004
keep

lay_relay --tun
serve
record link-raw
talk 41005
keep

expect link
