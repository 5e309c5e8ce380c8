/* Says of every record which file it is for, of which connection, and when: until the capture is
 * published. cc listen.c $(pkg-config --cflags --libs tapline); ./a.out ipc:///tmp/records, or
 * ./a.out tcp://HOST:PORT MY-KEY THE-TAPS-KEY.pub (tapline keys) */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tapline/consumer.h>

/* The text under the first key that the record has. */
static const char *text_of(const struct tapline_record *record, const char *key, const char *other,
                           size_t *length)
{
    const char *text = "";
    *length = 0;
    if (!tapline_text(tapline_get(record, key), &text, length))
        tapline_text(tapline_get(record, other), &text, length);
    return text;
}

int main(int argc, char **argv)
{
    const struct tapline_record *record;
    int error = 0;
    struct tapline_consumer *tap = argc == 2 || argc == 4 ? tapline_open(NULL, &error) : NULL;
    if (!tap || (argc == 4 && tapline_use_keys(tap, argv[2], argv[3]) != 0) ||
        tapline_connect(tap, argv[1]) != 0 || tapline_subscribe(tap, "") != 0)
        return 2;
    while ((error = tapline_next(tap, -1, &record)) == 0) {
        size_t what_length, flow_length;
        const char *what = text_of(record, "file", "event", &what_length);
        const char *flow = text_of(record, "ip_port", "flow", &flow_length);
        int64_t time_ns = 0;
        if (!tapline_time(tapline_get(record, "start_timestamp"), &time_ns))
            tapline_time(tapline_get(record, "timestamp"), &time_ns);
        printf("%.*s\t%.*s\t%" PRId64 "\n", (int)what_length, what, (int)flow_length, flow,
               time_ns);
        if (strcmp(tapline_topic(record), TAPLINE_TOPIC_CAPTURE) == 0 && what[0] == 'p')
            break;
    }
    printf("missed\t%" PRIu64 "\n", tapline_missed(tap, ""));
    tapline_close(&tap);
    return error ? 1 : 0;
}
