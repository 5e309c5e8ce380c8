#include "common/bus/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"

bool endpoint_is_near(const char *endpoint)
{
    static const char *const near[] = {"ipc://", "tcp://127.", "tcp://localhost:", "tcp://[::1]:"};
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
        if (strncmp(endpoint, near[i], strlen(near[i])) == 0)
            return true;
    return false;
}

/* Splits "tcp://HOST:PORT"; an IPv6 address stands in brackets, which are taken off. */
static int split(const char *endpoint, char host[PRESENCE_ENDPOINT], const char **port)
{
    const char *from = endpoint + strlen("tcp://"), *colon = strrchr(from, ':');
    if (!colon || colon == from || colon - from >= PRESENCE_ENDPOINT)
        return ERR_USAGE;
    bool brackets = from[0] == '[' && colon[-1] == ']';
    snprintf(host, PRESENCE_ENDPOINT, "%.*s", (int)(colon - from) - 2 * brackets, from + brackets);
    *port = colon + 1;
    return 0;
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

int endpoint_beside(const char *lobby, const char *name, char out[PRESENCE_ENDPOINT])
{
    const char *slash = strrchr(lobby, '/');
    if (strncmp(lobby, "tcp://", 6) == 0)
        return beside_host(lobby, out);
    if (strncmp(lobby, "ipc://", 6) != 0)
        return ERR_USAGE;
    int length = snprintf(out, PRESENCE_ENDPOINT, "%.*s/%s", (int)(slash - lobby), lobby, name);
    return length < PRESENCE_ENDPOINT ? 0 : ERR_LIMIT;
}

int endpoint_of(const char *given, const char *lobby, const char *name, const char *which,
                char out[PRESENCE_ENDPOINT])
{
    char file[PRESENCE_NAME + 32];
    int length;
    if (!given) {
        snprintf(file, sizeof file, "%s.%d.%s", name, (int)getpid(), which);
        return endpoint_beside(lobby, file, out);
    }
    if (strncmp(given, "ipc://", 6) == 0)
        length = snprintf(out, PRESENCE_ENDPOINT, "%s.%s", given, which);
    else
        length = snprintf(out, PRESENCE_ENDPOINT, "%s", given);
    return length < PRESENCE_ENDPOINT ? 0 : ERR_LIMIT;
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
