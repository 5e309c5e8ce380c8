#!/bin/bash
# Records the bittorrent-* captures: transmission seeds a small file that a tracker (opentracker)
# knows; aria2 takes it behind an obfuscated handshake, libtorrent over plain TCP and over uTP.
#
# Debian packages: transmission-daemon transmission-cli aria2 opentracker python3-libtorrent
# ethtool iproute2 tcpdump tshark. Run as root, from anywhere; nothing is installed, nothing
# is left behind.
set -eu
. "$(dirname "$0")/recipe-common.sh"

need transmission-daemon transmission-daemon
need transmission-create transmission-cli
need aria2c aria2
need opentracker opentracker
/usr/bin/python3 -c 'import libtorrent' 2> /dev/null || die "apt-get install python3-libtorrent"

# Waits until transmission has checked the file and offers it.
wait_seed()
{
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        on "$SERVER" transmission-remote -l > "$WORK/list.log" 2>&1 || true
        if grep -q '100%.*\(Idle\|Seeding\)' "$WORK/list.log"; then
            return 0
        fi
        sleep 0.2
    done
    die "transmission does not seed"
}

mkdir -p "$WORK/seed"
seq -f 'line %06.0f' 1 4000 > "$WORK/seed/numbers.txt"
transmission-create -o "$WORK/numbers.torrent" -t "http://$SERVER4:6969/announce" \
    "$WORK/seed/numbers.txt" > "$WORK/create.log"
transmission-show "$WORK/numbers.torrent" | sed -n 's/^ *Hash: *//p' > "$WORK/allowed"

# A swarm anew for each capture: the seed remembers who has the file and serves him no more.
# A client asks the tracker once and then keeps to the interval it is given, so that the
# seed must have announced itself before.
swarm()
{
    rm -rf "$WORK/watch" "$WORK/config" "$WORK/taken"
    mkdir "$WORK/watch" "$WORK/config" "$WORK/taken"
    cp "$WORK/numbers.torrent" "$WORK/watch"
    chmod -R a+rX "$WORK"
    lay_cable
    start "$SERVER" opentracker -i "$SERVER4" -p 6969 -w "$WORK/allowed"
    wait_port "$SERVER" tcp 6969
    start "$SERVER" env HOME="$WORK" transmission-daemon -f -g "$WORK/config" -w "$WORK/seed" \
        -c "$WORK/watch" -i "$SERVER4" -P 51413 --utp --no-dht --no-lpd --no-portmap -et -T
    wait_seed
    on "$SERVER" transmission-remote -t 1 --reannounce > "$WORK/reannounce.log"
    sleep 4
}

taken()
{
    cmp "$WORK/seed/numbers.txt" "$WORK/taken/numbers.txt" \
        || die "$RECORDING: the file did not come over"
}

for transport in tcp utp; do
    swarm
    record bittorrent-$transport
    on "$CLIENT" timeout 30 /usr/bin/python3 "$HERE/clients/torrent.py" $transport \
        "$WORK/numbers.torrent" "$WORK/taken" "$CLIENT4" "$SERVER4" 51413 \
        || say "libtorrent: exit $?"
    keep 1
    taken
done

swarm
record bittorrent-obfuscated
on "$CLIENT" timeout 30 aria2c --no-conf -q -d "$WORK/taken" --seed-time=0 \
    --enable-dht=false --enable-dht6=false \
    --bt-enable-lpd=false --enable-peer-exchange=false --listen-port=6882 --disable-ipv6=true \
    "$WORK/numbers.torrent" || say "aria2c: exit $?"
keep 1
taken

expect bittorrent
