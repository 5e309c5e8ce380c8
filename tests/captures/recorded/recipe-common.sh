# What every recipe shares: two hosts in network namespaces, a wire between them, a recorder.
#
# The hosts live on documentation addresses (RFC 5737, RFC 3849), so that a capture shows
# nothing of the machine it was made on. Everything started here is ended by its process id,
# and every namespace and file made here is gone when the recipe ends, however it ends.
#
# A recipe sources this file, checks its programs with `need`, lays a wire and records:
#
#   lay_cable            veth pair: CLIENT (192.0.2.1, 2001:db8::1), SERVER (.2, ::2)
#   lay_relay OPTION...  the same hosts on TAP or TUN devices joined by wire.py
#   on HOST COMMAND...   runs a command on a host
#   start HOST COMMAND.. leaves a program running there
#   record NAME ...      begins NAME.pcap (further words go to tcpdump); keep ends it

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORK=$(mktemp -d /tmp/recipe.XXXXXX)
CLIENT=client-$$
SERVER=server-$$
RELAY=relay-$$
CLIENT4=192.0.2.1
SERVER4=192.0.2.2
CLIENT6=2001:db8::1
SERVER6=2001:db8::2
PROGRAMS=()
RECORDER=
RECORDING=

export LC_ALL=C.UTF-8 TZ=UTC

say()
{
    printf '%s\n' "$*" >&2
}

die()
{
    say "recipe: $*"
    exit 1
}

# need PROGRAM PACKAGE: says which Debian package is missing instead of failing halfway.
need()
{
    command -v "$1" > /dev/null || die "$1 is missing: apt-get install $2"
}

end_program()
{
    kill "$1" 2> /dev/null || return 0
    wait "$1" 2> /dev/null || true
}

end_programs()
{
    local i
    for ((i = ${#PROGRAMS[@]} - 1; i >= 0; i--)); do
        end_program "${PROGRAMS[i]}"
    done
    PROGRAMS=()
}

take_down()
{
    local host
    end_programs
    for host in "$CLIENT" "$SERVER" "$RELAY"; do
        if [ -e "/run/netns/$host" ]; then
            ip netns del "$host"
        fi
    done
}

clean_up()
{
    if [ -n "$RECORDER" ]; then
        end_program "$RECORDER"
    fi
    take_down
    rm -rf "$WORK"
}

trap clean_up EXIT
trap 'exit 1' HUP INT TERM

[ "$(id -u)" = 0 ] || die "network namespaces need root"
need ip iproute2
need ethtool ethtool
need tcpdump tcpdump
need tshark tshark
need python3 python3

on()
{
    local host=$1
    shift
    ip netns exec "$host" "$@"
}

# `ip netns exec` becomes the program, so that $! is the program's own id.
start()
{
    local host=$1
    shift
    ip netns exec "$host" "$@" > "$WORK/${1##*/}.log" 2>&1 < /dev/null &
    PROGRAMS+=($!)
}

# wait_port HOST tcp|udp PORT: until something listens there, ten seconds at most.
wait_port()
{
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        if on "$1" ss -Hln "--$2" "sport = :$3" | grep -q .; then
            return 0
        fi
        sleep 0.1
    done
    die "nothing listens on $2 port $3: $(tail -n 3 "$WORK"/*.log)"
}

add_host()
{
    ip netns add "$1"
    ip -n "$1" link set lo up
    on "$1" sysctl -q net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
        net.ipv6.conf.default.router_solicitations=0
}

# set_up_link HOST ADDRESS4 ADDRESS6: names and raises the host's only link, eth0.
set_up_link()
{
    ip -n "$1" addr add "$2/24" dev eth0
    ip -n "$1" addr add "$3/64" dev eth0 nodad
    ip -n "$1" link set eth0 up
}

add_hosts()
{
    take_down
    add_host "$CLIENT"
    add_host "$SERVER"
}

# Offloads are off, so that a segment in the capture is a segment of the wire;
# a recipe that wants what offloading does to a capture turns them on again.
lay_cable()
{
    add_hosts
    ip link add eth0 address 02:00:00:00:00:01 netns "$CLIENT" type veth \
        peer name eth0 address 02:00:00:00:00:02 netns "$SERVER"
    for host in "$CLIENT" "$SERVER"; do
        on "$host" ethtool -K eth0 tx off rx off tso off gso off gro off > "$WORK/ethtool.log" 2>&1
    done
    set_up_link "$CLIENT" "$CLIENT4" "$CLIENT6"
    set_up_link "$SERVER" "$SERVER4" "$SERVER6"
    settle
}

lay_relay()
{
    local tries
    add_hosts
    add_host "$RELAY"
    on "$RELAY" sysctl -q net.ipv6.conf.default.disable_ipv6=1
    start "$RELAY" python3 "$HERE/wire.py" "$@" client0 server0
    for ((tries = 0; tries < 50; tries++)); do
        if ip -n "$RELAY" link show server0 > /dev/null 2>&1; then
            break
        fi
        sleep 0.1
    done
    if ip -n "$RELAY" link show client0 | grep -q link/ether; then
        ip -n "$RELAY" link set client0 address 02:00:00:00:00:01
        ip -n "$RELAY" link set server0 address 02:00:00:00:00:02
    fi
    ip -n "$RELAY" link set client0 netns "$CLIENT" name eth0
    ip -n "$RELAY" link set server0 netns "$SERVER" name eth0
    if ip -n "$RELAY" link show mirror0 > /dev/null 2>&1; then
        ip -n "$RELAY" link set mirror0 up
    fi
    set_up_link "$CLIENT" "$CLIENT4" "$CLIENT6"
    set_up_link "$SERVER" "$SERVER4" "$SERVER6"
    settle
}

# The link's own chatter (multicast listener reports) is over before a recording begins.
settle()
{
    sleep 1.5
}

# record NAME [-h HOST] [TCPDUMP OPTION...]: on the client's eth0 unless told otherwise.
# The ring is large because each packet takes a slot of the snap length's size in it.
record()
{
    local tries host=$CLIENT
    RECORDING=$1
    shift
    if [ "${1:-}" = -h ]; then
        host=$2
        shift 2
    fi
    case " $* " in
    *" -i "*) ;;
    *) set -- -i eth0 "$@" ;;
    esac
    rm -f "$WORK/tcpdump.log"
    ip netns exec "$host" tcpdump -U -s 0 -B 65536 --immediate-mode -Z root -n \
        -w "$WORK/$RECORDING.pcap" "$@" 2> "$WORK/tcpdump.log" &
    RECORDER=$!
    for ((tries = 0; tries < 50; tries++)); do
        if grep -qs 'listening on' "$WORK/tcpdump.log"; then
            return 0
        fi
        sleep 0.1
    done
    die "tcpdump does not start: $(cat "$WORK/tcpdump.log")"
}

# Ends the recording (after the last packets had time to arrive) and takes it over.
keep()
{
    sleep "${1:-0.5}"
    kill "$RECORDER"
    wait "$RECORDER" || true
    RECORDER=
    grep -q '^0 packets dropped by kernel' "$WORK/tcpdump.log" \
        || die "$RECORDING.pcap is incomplete: $(tail -n 1 "$WORK/tcpdump.log")"
    tshark -r "$WORK/$RECORDING.pcap" > /dev/null 2> "$WORK/tshark.log" \
        || die "$RECORDING.pcap: $(cat "$WORK/tshark.log")"
    install -m 644 "$WORK/$RECORDING.pcap" "$HERE/$RECORDING.pcap"
    say "$RECORDING.pcap: $(stat -c %s "$HERE/$RECORDING.pcap") bytes"
}

# expect FAMILY: what the records must be, by the witness, for the captures just made.
expect()
{
    python3 -B "$HERE/expect_$1.py" "$HERE"
}
