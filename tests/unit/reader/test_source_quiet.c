/* Sources that pause: every frame is given when its last byte has come, whatever else has not. */
#include "crafted.h"

enum { PACKETS = 4 };

/* Bytes, the first of which (up to the first packet's last) are there when the source is opened. */
struct feed {
    struct buffer bytes;
    size_t ahead;
};

static void feed_pcap(struct feed *feed, void (*pack)(struct buffer *, const uint8_t *, size_t))
{
    struct craft craft = {0};
    pcap_header(&craft, MICRO, 65535, 1);
    for (uint32_t i = 0; i < PACKETS; i++) {
        pcap_packet(&craft, i, 0, "payload", 7);
        pack(&feed->bytes, craft.bytes.bytes, craft.bytes.length);
        buffer_clear(&craft.bytes);
        if (i == 0)
            feed->ahead = feed->bytes.length;
    }
    buffer_free(&craft.bytes);
}

static void plain_append(struct buffer *to, const uint8_t *bytes, size_t length)
{
    buffer_append(to, bytes, length);
}

static void feed_plain(struct feed *feed)
{
    feed_pcap(feed, plain_append);
}

static void feed_gzip(struct feed *feed)
{
    feed_pcap(feed, gzip_append);
}

static void feed_zstd(struct feed *feed)
{
    feed_pcap(feed, zstd_append);
}

static void feed_pcapng(struct feed *feed)
{
    struct craft craft = {0};
    section(&craft, false);
    interface(&craft, 1, 65535, -1, 0);
    enhanced_packet(&craft, 0, 0, "payload", 7);
    feed->ahead = craft.bytes.length;
    enhanced_packet(&craft, 0, 1, "payload", 7);
    section(&craft, true);
    interface(&craft, 1, 65535, -1, 0);
    for (uint32_t i = 2; i < PACKETS; i++)
        enhanced_packet(&craft, 0, i, "payload", 7);
    feed->bytes = craft.bytes;
}

/* Takes all frames that there are; the status behind the last. */
static int take_all(struct source *source, unsigned *frames)
{
    struct frame frame;
    int status;
    while ((status = source_next(source, &frame)) == 0) {
        assert_int_equal(frame.number, ++*frames);
        assert_memory_equal(frame.bytes, "payload", 7);
    }
    return status;
}

static void trickles(const struct feed *feed, struct spools *spools)
{
    int ends[2], error;
    unsigned frames = 0;
    char path[64], fault[256] = "";
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], feed->bytes.bytes, feed->ahead), feed->ahead);
    struct source *source = source_open(path, spools, NULL, fault, sizeof fault, &error);
    assert_string_equal(fault, "");
    source_stop_waiting(source);
    for (size_t at = feed->ahead; at < feed->bytes.length; at++) {
        assert_int_equal(take_all(source, &frames), ERR_AGAIN);
        assert_true(source_descriptor(source) >= 0);
        assert_true(frames >= 1 && frames <= PACKETS);
        assert_int_equal(write(ends[1], feed->bytes.bytes + at, 1), 1);
    }
    assert_int_equal(take_all(source, &frames), ERR_AGAIN);
    assert_int_equal(frames, PACKETS);
    close(ends[1]);
    assert_int_equal(take_all(source, &frames), ERR_EOF);
    source_free(&source);
    close(ends[0]);
}

static void frames_are_given_as_they_come(void **state)
{
    (void)state;
    static void (*const formats[])(struct feed *) = {feed_plain, feed_gzip, feed_zstd,
                                                     feed_pcapng};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct feed feed = {0};
        struct spools *spools = spools_new("/tmp");
        formats[i](&feed);
        trickles(&feed, NULL);
        trickles(&feed, spools);
        spools_free(&spools);
        buffer_free(&feed.bytes);
    }
}

static void a_file_is_never_waited_for(void **state)
{
    (void)state;
    struct feed feed = {0};
    int fd, error;
    unsigned frames = 0;
    char fault[256] = "";
    feed_plain(&feed);
    const char *path = path_of(feed.bytes.bytes, feed.bytes.length, &fd);
    struct source *source = source_open(path, NULL, NULL, fault, sizeof fault, &error);
    source_stop_waiting(source);
    assert_int_equal(source_descriptor(source), -1);
    assert_int_equal(take_all(source, &frames), ERR_EOF);
    assert_int_equal(frames, PACKETS);
    source_free(&source);
    close(fd);
    buffer_free(&feed.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_given_as_they_come),
        cmocka_unit_test(a_file_is_never_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
