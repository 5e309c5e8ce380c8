/* A platform that nobody knows, in a file of its own: each means of the signature language. */
#include "tests/unit/classifier/scene.h"

#include <stdlib.h>
#include <unistd.h>

/* A scene with one platform file that holds these signatures. */
static struct scene scene_of(const char *signatures)
{
    char path[] = "/tmp/tapline-made-up-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    fprintf(file, "{\"platform\":\"mine\",\"title\":\"Mine\",\"signatures\":[%s]}", signatures);
    assert_int_equal(fclose(file), 0);
    struct scene s = scene_new(path);
    unlink(path);
    return s;
}

/* The notes of a flow that is one payload of the initiator's. */
static void gives(const char *signatures, uint8_t transport, const char *payload, const char *notes)
{
    struct scene s = scene_of(signatures);
    scene_open(&s, transport);
    scene_text(&s, 0, payload);
    scene_close(&s);
    assert_string_equal(s.notes, notes);
    scene_end(&s);
}

#define FOUND(value, at)                                                                           \
    "{\"protocol_type\"=>\"mine\", \"identifiers\"=>[{\"signature\"=>\"m\", "                      \
    "\"ip\"=>\"192.0.2.1\", \"value\"=>\"" value "\", \"location\"=>" at "}]}"
#define SIGNATURE(transport, match)                                                                \
    "{\"name\":\"m\",\"transport\":\"" transport "\",\"label\":\"mine\",\"match\":[" match "]}"

static void found_anywhere(void **state)
{
    (void)state;
    static const char *const udp = SIGNATURE(
        "udp",
        "{\"where\":[{\"from\":3,\"text\":\"id=\"}],\"value\":{\"behind\":1,\"until\":\"3b\"}}");
    gives(udp, TRANSPORT_UDP, "id=<no;", "");
    gives(udp, TRANSPORT_UDP, "...id=<yes;...", FOUND("yes", "7"));
    gives(udp, TRANSPORT_UDP, "..............id=<to the end", FOUND("to the end", "18"));
    gives(udp, TRANSPORT_UDP, "...id=", "{\"protocol_type\"=>\"mine\"}");
}

static void found_within(void **state)
{
    (void)state;
    static const char *const tcp =
        SIGNATURE("tcp", "{\"where\":[{\"from\":2,\"within\":3,\"text\":\"id=\"}],"
                         "\"value\":{\"behind\":0,\"length\":4,\"until\":\"3b\"}}");
    gives(tcp, TRANSPORT_TCP, ".id=abcd", "");
    gives(tcp, TRANSPORT_TCP, "..id=abcdef", FOUND("abcd", "5"));
    gives(tcp, TRANSPORT_TCP, "....id=a;cdef", FOUND("a", "7"));
    gives(tcp, TRANSPORT_TCP, ".....id=abcd", "");
}

/* A search in a stream finds the same, wherever it is cut. */
static void found_in_pieces(void **state)
{
    (void)state;
    static const char *const payload = "\1\2\3\4id=wxyz and more";
    static const char *const tcp = SIGNATURE(
        "tcp",
        "{\"where\":[{\"from\":2,\"within\":9,\"text\":\"id=\"},{\"at\":0,\"hex\":\"0102\"}],"
        "\"value\":{\"behind\":0,\"length\":4}}");
    for (size_t cut = 1; cut < strlen(payload); cut++) {
        struct scene s = scene_of(tcp);
        scene_open(&s, TRANSPORT_TCP);
        scene_data(&s, 0, payload, cut);
        scene_text(&s, 0, payload + cut);
        scene_close(&s);
        assert_string_equal(s.notes, FOUND("wxyz", "7"));
        scene_end(&s);
    }
}

static void classes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *in, *out;
    } each[] = {
        {"alnum", "aZ09", "aZ0-"}, {"alpha", "abYZ", "abY0"},  {"digit", "0189", "018a"},
        {"hex", "09aF", "09ag"},   {"print", "a ~!", "a \1!"},
    };
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        char signature[512], notes[512];
        snprintf(signature, sizeof signature,
                 SIGNATURE("udp", "{\"where\":[{\"at\":1,\"class\":\"%s\",\"length\":4}],"
                                  "\"value\":{\"at\":1,\"length\":4}}"),
                 each[i].name);
        char payload[8] = "=";
        strcpy(payload + 1, each[i].in);
        snprintf(notes, sizeof notes, FOUND("%s", "1"), each[i].in);
        gives(signature, TRANSPORT_UDP, payload, notes);
        strcpy(payload + 1, each[i].out);
        gives(signature, TRANSPORT_UDP, payload, "");
    }
}

static void one_port(void **state)
{
    (void)state;
    static const uint16_t ports[] = {7777, 7778};
    for (int i = 0; i < 2; i++) {
        struct scene s =
            scene_of("{\"name\":\"m\",\"transport\":\"udp\",\"port\":7777,"
                     "\"label\":\"mine\",\"match\":[{\"where\":[{\"at\":0,\"text\":\"x\"}]}]}");
        s.port = ports[i];
        scene_open(&s, TRANSPORT_UDP);
        scene_text(&s, 1, "x");
        scene_close(&s);
        assert_string_equal(s.notes, i == 0 ? "{\"protocol_type\"=>\"mine\"}" : "");
        scene_end(&s);
    }
}

/* Each side's first, in the order of sighting; a lower priority gives the type. */
static void sides_and_priorities(void **state)
{
    (void)state;
    struct scene s = scene_of(
        "{\"name\":\"a\",\"transport\":\"udp\",\"label\":\"later\",\"priority\":9,\"match\":"
        "[{\"where\":[{\"at\":0,\"text\":\"a\"}],\"value\":{\"at\":1,\"length\":1}}]},"
        "{\"name\":\"b\",\"transport\":\"udp\",\"label\":\"mine\",\"priority\":8,\"match\":"
        "[{\"where\":[{\"at\":0,\"text\":\"b\"}],\"value\":{\"at\":1,\"length\":1}}]}");
    scene_open(&s, TRANSPORT_UDP);
    scene_text(&s, 1, "a1");
    scene_text(&s, 0, "b2");
    scene_text(&s, 1, "a3");
    scene_text(&s, 0, "a4");
    scene_close(&s);
    assert_string_equal(
        s.notes,
        "{\"protocol_type\"=>\"mine\", \"identifiers\"=>["
        "{\"signature\"=>\"a\", \"ip\"=>\"192.0.2.2\", \"value\"=>\"1\", \"location\"=>1}, "
        "{\"signature\"=>\"b\", \"ip\"=>\"192.0.2.1\", \"value\"=>\"2\", \"location\"=>1}, "
        "{\"signature\"=>\"a\", \"ip\"=>\"192.0.2.1\", \"value\"=>\"4\", \"location\"=>1}]}");
    scene_end(&s);
}

/* What the known platforms report can be reported by another, too. */
static void known_places(void **state)
{
    (void)state;
    struct scene s =
        scene_of("{\"name\":\"p\",\"transport\":\"tcp\",\"label\":\"mine\",\"reports\":\"bit_"
                 "peer\",\"match\":"
                 "[{\"where\":[{\"at\":0,\"text\":\"PEER\"}],\"value\":{\"at\":4,\"length\":3}}]}");
    scene_open(&s, TRANSPORT_TCP);
    scene_text(&s, 1, "PEERabc");
    scene_close(&s);
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"mine\", \"bit_peer_ip_2\"=>\"192.0.2.2\", "
                                 "\"bit_peer_id_2\"=>\"abc\"}");
    scene_end(&s);
}

static void another_attribute(void **state)
{
    (void)state;
    struct scene s = scene_of("{\"name\":\"m\",\"transport\":\"udp\",\"label\":\"mine\","
                              "\"stun_attribute\":\"8101\"}");
    static const char message[] = "\0\1\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x81\1\0\7{\"a\":1}";
    scene_open(&s, TRANSPORT_UDP);
    scene_data(&s, 0, message, sizeof message); /* the NUL pads it */
    scene_close(&s);
    assert_string_equal(s.notes, "{\"protocol_type\"=>\"mine\", \"stun_values\"=>["
                                 "{\"a\"=>1, \"data_ip\"=>\"192.0.2.1\"}]}");
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_anywhere),  cmocka_unit_test(found_within),
        cmocka_unit_test(found_in_pieces), cmocka_unit_test(classes),
        cmocka_unit_test(one_port),        cmocka_unit_test(sides_and_priorities),
        cmocka_unit_test(known_places),    cmocka_unit_test(another_attribute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
