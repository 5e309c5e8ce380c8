#include "common/bus/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"

bool endpoint_is_near(const char *endpoint)
{
    static const char *const near[] = {"ipc://", "tcp://localhost:", "tcp://[::1]:"};
    static const char loopback[] = "tcp://127.";
    if (strncmp(endpoint, loopback, strlen(loopback)) == 0) { /* so may a host's name begin */
        const char *rest = endpoint + strlen(loopback);
        rest += strspn(rest, "0123456789.");
        return *rest == ':' || *rest == '\0';
    }
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
        if (strncmp(endpoint, near[i], strlen(near[i])) == 0)
            return true;
    return false;
}

static int refuse(const char *endpoint, const char *why)
{
    log_error("%s: %s", endpoint, why);
    return ERR_USAGE;
}

static bool is_tcp(const char *endpoint)
{
    return strncmp(endpoint, "tcp://", 6) == 0;
}

/* Where the host of "tcp://HOST:PORT" ends; the end of the text where no port follows. */
static const char *host_end(const char *endpoint)
{
    const char *from = endpoint + strlen("tcp://"), *colon = strrchr(from, ':');
    const char *bracket = strrchr(from, ']');
    return colon && (!bracket || colon > bracket) ? colon : from + strlen(from);
}

/* The number of a port; 0: these are not the digits of one. */
static unsigned long port_number(const char *digits)
{
    char *rest;
    unsigned long number = strtoul(digits, &rest, 10);
    return digits[0] < '0' || digits[0] > '9' || *rest || number > UINT16_MAX ? 0 : number;
}

/* Splits "tcp://HOST:PORT"; an IPv6 address stands in brackets, which are taken off. */
static int split(const char *endpoint, char host[PRESENCE_ENDPOINT], const char **port)
{
    const char *from = endpoint + strlen("tcp://"), *colon = host_end(endpoint);
    if (!*colon || !colon[1] || colon == from || colon - from >= PRESENCE_ENDPOINT)
        return refuse(endpoint, "a TCP endpoint is tcp://HOST:PORT");
    bool brackets = from[0] == '[' && colon[-1] == ']';
    snprintf(host, PRESENCE_ENDPOINT, "%.*s", (int)(colon - from) - 2 * brackets, from + brackets);
    *port = colon + 1;
    return 0;
}

int endpoint_check(const char *endpoint, bool to_connect)
{
    char host[PRESENCE_ENDPOINT];
    const char *port;
    if (strncmp(endpoint, "ipc://", 6) == 0)
        return 0;
    if (!is_tcp(endpoint))
        return refuse(endpoint, "an endpoint begins with ipc:// or tcp://");
    if (split(endpoint, host, &port) != 0)
        return ERR_USAGE;
    if (port_number(port) || (!to_connect && strcmp(port, "*") == 0))
        return 0;
    return refuse(endpoint, to_connect ? "its port is not 1 to 65535"
                                       : "its port is neither * nor 1 to 65535");
}

/* The address that this machine would send to `there` from: no packet leaves for that. */
static int own_address(const struct addrinfo *there, char host[NI_MAXHOST])
{
    struct sockaddr_storage here;
    socklen_t length = sizeof here;
    int fd = socket(there->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;
    if (fd < 0)
        return -errno;
    if (connect(fd, there->ai_addr, there->ai_addrlen) != 0 ||
        getsockname(fd, (struct sockaddr *)&here, &length) != 0)
        error = -errno;
    else if (getnameinfo((struct sockaddr *)&here, length, host, NI_MAXHOST, NULL, 0,
                         NI_NUMERICHOST) != 0)
        error = -EADDRNOTAVAIL;
    close(fd);
    return error;
}

static int beside_host(const char *lobby, char out[PRESENCE_ENDPOINT])
{
    char host[PRESENCE_ENDPOINT], own[NI_MAXHOST];
    const char *port;
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *found;
    if (split(lobby, host, &port) != 0)
        return ERR_USAGE;
    int refused = getaddrinfo(host, port, &hints, &found);
    if (refused) {
        log_error("%s: %s", lobby, gai_strerror(refused));
        return -EADDRNOTAVAIL;
    }
    int error = own_address(found, own);
    freeaddrinfo(found);
    if (error)
        return error;
    bool brackets = strchr(own, ':') != NULL;
    int length = snprintf(out, PRESENCE_ENDPOINT, "tcp://%s%s%s:*", brackets ? "[" : "", own,
                          brackets ? "]" : "");
    return length < PRESENCE_ENDPOINT ? 0 : ERR_LIMIT;
}

static int fits(const char *endpoint, int length)
{
    return length < PRESENCE_ENDPOINT ? 0 : refuse(endpoint, "is too long");
}

/* The name of a file in the lobby's folder, or any port of the way to it. */
static int beside(const char *lobby, const char *file, char out[PRESENCE_ENDPOINT])
{
    if (endpoint_check(lobby, true) != 0)
        return ERR_USAGE;
    if (is_tcp(lobby))
        return beside_host(lobby, out);
    int folder = (int)(strrchr(lobby, '/') - lobby);
    return fits(lobby, snprintf(out, PRESENCE_ENDPOINT, "%.*s/%s", folder, lobby, file));
}

/* "tcp://HOST" and a port: the one that `endpoint` names, or the next one for the control inbox;
 * where it names none, or any, the port that `bound` has. NULL: the system is to choose. */
static int with_port(const char *endpoint, const char *bound, enum endpoint_inbox inbox,
                     char out[PRESENCE_ENDPOINT])
{
    const char *end = host_end(endpoint), *port = *end ? end + 1 : "*";
    int host = (int)(end - endpoint);
    if (end == endpoint + strlen("tcp://"))
        return refuse(endpoint, "names no host");
    if (strcmp(port, "*") == 0) {
        port = bound ? host_end(bound) + 1 : "*";
        return fits(endpoint, snprintf(out, PRESENCE_ENDPOINT, "%.*s:%s", host, endpoint, port));
    }
    unsigned long number = port_number(port);
    if (!number || number == UINT16_MAX)
        return refuse(endpoint, "its port is neither * nor 1 to 65534");
    number += inbox == ENDPOINT_CONTROL;
    return fits(endpoint, snprintf(out, PRESENCE_ENDPOINT, "%.*s:%lu", host, endpoint, number));
}

int endpoint_of(const char *given, const char *lobby, const char *name, enum endpoint_inbox inbox,
                char out[PRESENCE_ENDPOINT])
{
    const char *which = inbox == ENDPOINT_DATA ? "data" : "control";
    char file[PRESENCE_NAME + 32];
    if (given && is_tcp(given))
        return with_port(given, NULL, inbox, out);
    if (given && strncmp(given, "ipc://", 6) == 0)
        return fits(given, snprintf(out, PRESENCE_ENDPOINT, "%s.%s", given, which));
    if (given)
        return refuse(given, "an endpoint begins with ipc:// or tcp://");
    snprintf(file, sizeof file, "%s.%d.%s", name, (int)getpid(), which);
    return beside(lobby, file, out);
}

/* Is it bound on all addresses, and so is none that could be connected to? */
static bool is_wildcard(const char *bound)
{
    static const char *const all[] = {"tcp://0.0.0.0:", "tcp://[::]:", "tcp://*:"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strncmp(bound, all[i], strlen(all[i])) == 0)
            return true;
    return false;
}

int endpoint_advertised(const char *advertise, const char *bound, enum endpoint_inbox inbox,
                        char out[PRESENCE_ENDPOINT])
{
    if (!advertise && is_wildcard(bound))
        return refuse(bound, "is all addresses of this machine, and none that others could connect "
                             "to; say with --advertise tcp://HOST under which they reach it");
    if (!advertise)
        return fits(bound, snprintf(out, PRESENCE_ENDPOINT, "%s", bound));
    if (!is_tcp(advertise) || !is_tcp(bound))
        return refuse(advertise, "what is advertised is tcp://HOST or tcp://HOST:PORT, for an "
                                 "--inbox that is tcp:// as well");
    int error = with_port(advertise, bound, inbox, out);
    return !error && is_wildcard(out) ? refuse(advertise, "nobody could connect to that") : error;
}

void endpoint_name(const char *lobby, const char *role, char out[PRESENCE_NAME])
{
    char host[33] = "";
    if (strncmp(lobby, "ipc://", 6) == 0) {
        snprintf(out, PRESENCE_NAME, "%s-%d", role, (int)getpid());
        return;
    }
    gethostname(host, sizeof host - 1);
    snprintf(out, PRESENCE_NAME, "%s-%s-%d", role, host, (int)getpid());
}

void endpoint_leave(const char *lobby)
{
    char folder[PRESENCE_ENDPOINT];
    const char *slash = strrchr(lobby, '/');
    if (strncmp(lobby, "ipc://", 6) != 0)
        return;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - lobby) - 6, lobby + 6);
    rmdir(folder);
}
