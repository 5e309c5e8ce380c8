#!/bin/bash
# Records the dns-* captures: dnsmasq with names of its own, asked by dig.
#
# Debian packages: dnsmasq-base bind9-dnsutils ethtool iproute2 tcpdump tshark.
# Run as root, from anywhere; nothing is installed, nothing is left behind.
set -eu
. "$(dirname "$0")/recipe-common.sh"

need dnsmasq dnsmasq-base
need dig bind9-dnsutils

# ask LOCAL_PORT DIG_ARGUMENT...
ask()
{
    local port=$1
    shift
    on "$CLIENT" dig +noall +nocookie +tries=1 +time=3 "$@" -b "$source#$port" > "$WORK/dig.log" \
        || say "dig: exit $?: $*"
}

names()
{
    local n
    printf 'host-record=a.example,198.51.100.1\n'
    printf 'host-record=both.example,198.51.100.2,2001:db8:1::2\n'
    printf 'host-record=target.example,198.51.100.3,2001:db8:1::3\n'
    printf 'cname=third.example,target.example\ncname=second.example,third.example\n'
    printf 'cname=first.example,second.example\n'
    printf 'txt-record=text.example,"an answer without an address"\n'
    printf 'srv-host=_peer._udp.example,target.example,9001\n'
    printf 'ptr-record=1.100.51.198.in-addr.arpa,a.example\n'
    for n in $(seq 1 120); do
        printf 'host-record=many.example,198.51.100.%d,2001:db8:2::%x\n' "$n" "$n"
    done
}

serve()
{
    names > "$WORK/dnsmasq.conf"
    start "$SERVER" dnsmasq -k -C "$WORK/dnsmasq.conf" -u root -x '' -R -h -P 4096 --local=/example/
    wait_port "$SERVER" udp 53
    wait_port "$SERVER" tcp 53
}

lay_cable
serve

source=$CLIENT4
record dns-udp
ask 43001 "@$SERVER4" a.example A
ask 43002 "@$SERVER4" both.example AAAA
ask 43003 "@$SERVER4" first.example A
ask 43004 "@$SERVER4" first.example AAAA
ask 43005 "@$SERVER4" missing.example A
ask 43006 "@$SERVER4" text.example TXT
ask 43007 "@$SERVER4" -x 198.51.100.1
ask 43008 "@$SERVER4" _peer._udp.example SRV
keep

record dns-tcp
ask 43010 +tcp +keepopen "@$SERVER4" a.example A missing.example A first.example A many.example A
keep

# The answer does not fit without EDNS: a truncated one over UDP, the whole over TCP.
record dns-truncated
ask 43011 +noedns "@$SERVER4" many.example A
keep

source=$CLIENT6
record dns-ipv6
ask 43012 "@$SERVER6" both.example A
ask 43013 "@$SERVER6" first.example AAAA
ask 43014 +tcp "@$SERVER6" target.example AAAA
keep

# A link that takes 1,280 bytes (IPv6's least) and large datagrams: fragments on both.
ip -n "$SERVER" link set eth0 mtu 1280
ip -n "$CLIENT" link set eth0 mtu 1280
record dns-fragmented
ask 43015 +bufsize=4096 "@$SERVER6" many.example AAAA
source=$CLIENT4
ask 43016 +bufsize=4096 "@$SERVER4" many.example A
ask 43017 +bufsize=4096 "@$SERVER4" a.example A
keep

expect dns
