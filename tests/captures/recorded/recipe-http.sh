#!/bin/bash
# Records the http-* captures: HTTP/1 as nginx, curl, busybox, tinyproxy and Python speak it.
#
# Debian packages: nginx curl busybox tinyproxy openssl python3-websockets ethtool iproute2
# tcpdump tshark. Run as root, from anywhere; nothing is installed, nothing is left behind.
set -eu
. "$(dirname "$0")/recipe-common.sh"

need nginx nginx
need curl curl
need busybox busybox
need tinyproxy tinyproxy
need openssl openssl
python3=/usr/bin/python3
"$python3" -c 'import websockets' 2> /dev/null || die "apt-get install python3-websockets"

# What nginx serves. Bodies are numbered lines, so that a wrong byte in a record shows where.
make_site()
{
    mkdir -p "$WORK/site" "$WORK/upload"
    seq -f 'line %06.0f' 1 4 > "$WORK/site/small.txt"
    seq -f 'line %06.0f' 1 400 > "$WORK/site/page.txt"
    seq -f 'line %06.0f' 1 8000 > "$WORK/site/lossy.txt"
    seq -f 'line %06.0f' 1 17000 > "$WORK/site/large.txt"
    touch -d '2024-05-01 12:00:00 UTC' "$WORK"/site/*
    chmod -R a+rX "$WORK"
    install -d "$WORK/logs"
}

serve()
{
    start "$SERVER" nginx -p "$WORK/" -c "$HERE/servers/nginx.conf" -g 'user root;'
    wait_port "$SERVER" tcp 80
}

# curl forgets these from one transfer of a connection to the next.
next=(--next -s -o /dev/null)

# fetch LOCAL_PORT CURL_ARGUMENT...
fetch()
{
    local port=$1
    shift
    on "$CLIENT" curl -sS -o /dev/null --max-time 20 --resolve "edge.example:80:$SERVER4" \
        --local-port "$port" "$@" || say "curl: exit $? at port $port"
}

keepalive()
{
    record http-keepalive
    fetch 40001 http://edge.example/small.txt "${next[@]}" -I http://edge.example/page.txt \
        "${next[@]}" http://edge.example/nothing \
        "${next[@]}" -z 'Wed, 01 May 2024 12:00:00 GMT' "http://edge.example/small.txt?fresh" \
        "${next[@]}" http://edge.example/missing \
        "${next[@]}" -r 5-14 "http://edge.example/small.txt?range"
    keep
}

chunked()
{
    record http-chunked
    fetch 40002 http://edge.example/chunked/page.txt \
        "${next[@]}" --compressed http://edge.example/gzip/page.txt \
        "${next[@]}" http://edge.example/small.txt
    fetch 40003 "http://$SERVER4:8000/trailer" \
        "${next[@]}" --compressed "http://$SERVER4:8000/deflate"
    keep
}

upload()
{
    seq -f 'line %06.0f' 1 300 > "$WORK/put.txt"
    record http-upload
    fetch 40004 -d 'node=7&state=up' http://edge.example/created \
        "${next[@]}" -H 'Expect: 100-continue' -T "$WORK/put.txt" \
        http://edge.example/upload/put.txt
    fetch 40005 -H 'Transfer-Encoding: chunked' -H 'Expect:' -T - \
        http://edge.example/upload/chunks.txt < "$WORK/site/small.txt"
    keep
}

large()
{
    record http-large
    fetch 40006 http://edge.example/large.txt "${next[@]}" http://edge.example/small.txt
    keep
}

# With segmentation offload the capture holds "segments" far larger than the link's MTU.
offload()
{
    local host
    for host in "$CLIENT" "$SERVER"; do
        on "$host" ethtool -K eth0 tx on rx on tso on gso on gro on > "$WORK/ethtool.log" 2>&1
    done
    record http-offload
    fetch 40007 http://edge.example/lossy.txt
    keep
    for host in "$CLIENT" "$SERVER"; do
        on "$host" ethtool -K eth0 tx off rx off tso off gso off gro off > "$WORK/ethtool.log" 2>&1
    done
}

pipelined()
{
    record http-pipelined
    on "$CLIENT" "$python3" "$HERE/clients/raw.py" "$SERVER4" 80 40008 \
        GET:/small.txt+HEAD:/page.txt+GET:/missing+GET:/page.txt wait:0.3 \
        "GET:/nothing+GET:/small.txt?again"
    keep
}

connect()
{
    cat > "$WORK/tinyproxy.conf" <<END
Port 8888
Listen $SERVER4
User root
Group root
ViaProxyName "proxy"
ConnectPort 443
END
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -sha256 \
        -subj '/CN=inside.example' \
        -addext 'subjectAltName=DNS:inside.example,DNS:www.inside.example' \
        -keyout "$WORK/inside.key" -out "$WORK/inside.crt" 2> "$WORK/openssl.log"
    start "$SERVER" openssl s_server -accept "$SERVER4:443" -www -cert "$WORK/inside.crt" \
        -key "$WORK/inside.key" -tls1_2
    start "$SERVER" tinyproxy -d -c "$WORK/tinyproxy.conf"
    wait_port "$SERVER" tcp 8888
    wait_port "$SERVER" tcp 443
    openssl x509 -in "$WORK/inside.crt" -noout -fingerprint -sha256 \
        | sed 's/.*=//; s/://g' > "$HERE/http-connect.fingerprint"
    record http-connect
    fetch 40009 -x "http://$SERVER4:8888" "http://$SERVER4/small.txt"
    fetch 40010 -k -x "http://$SERVER4:8888" --connect-to "inside.example:443:$SERVER4:443" \
        https://inside.example/
    keep
}

websocket()
{
    start "$SERVER" "$python3" "$HERE/servers/websocket.py" "$SERVER4" 8408
    wait_port "$SERVER" tcp 8408
    record http-websocket
    on "$CLIENT" "$python3" "$HERE/clients/websocket.py" "$SERVER4" 8408 40011
    keep
}

ipv6()
{
    mkdir -p "$WORK/site/cgi-bin"
    printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nseq 1 50\n' \
        > "$WORK/site/cgi-bin/count"
    chmod 755 "$WORK/site/cgi-bin/count"
    start "$SERVER" busybox httpd -f -p "[$SERVER6]:8080" -h "$WORK/site"
    wait_port "$SERVER" tcp 8080
    record http-ipv6 --time-stamp-precision=nano
    fetch 40012 -g "http://[$SERVER6]/small.txt" "${next[@]}" -g "http://[$SERVER6]/gzip/page.txt"
    fetch 40013 -g "http://[$SERVER6]:8080/small.txt"
    fetch 40014 -g "http://[$SERVER6]:8080/cgi-bin/count"
    keep
}

until_close()
{
    record http-until-close
    fetch 40015 "http://$SERVER4:8000/close"
    keep
    record http-reset
    fetch 40016 "http://$SERVER4:8000/reset"
    keep
}

# The recorder comes late and leaves early: an answer without its request, a body cut off.
midstream()
{
    on "$CLIENT" "$python3" "$HERE/clients/raw.py" "$SERVER4" 8000 40017 \
        GET:/slow wait:2.3 GET:/second wait:0.2 GET:/part wait:2 &
    local client=$!
    sleep 1
    record http-midstream
    keep 2.5
    wait "$client"
}

# Headers only: what an operator's recorder keeps who wants the shape and not the content.
snapped()
{
    record http-snapped -s 96
    fetch 40018 http://edge.example/page.txt
    keep
}

make_site
lay_cable
serve
start "$SERVER" "$python3" "$HERE/servers/edge.py" 8000
wait_port "$SERVER" tcp 8000
keepalive
chunked
upload
large
offload
pipelined
connect
websocket
ipv6
until_close
snapped
midstream

lay_relay --drop 3,22,23,41 --hold 15,30
serve
record http-lossy
fetch 40019 http://edge.example/lossy.txt
keep

# The mirror port misses frames that the hosts do not: a hole that nothing ever fills.
lay_relay --mirror --unseen 3,40
serve
record http-unseen -h "$RELAY" -i mirror0
fetch 40020 http://edge.example/page.txt "${next[@]}" http://edge.example/lossy.txt \
    "${next[@]}" http://edge.example/small.txt
keep

expect http
