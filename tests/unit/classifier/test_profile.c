/* Platform files: what is taken, what is merged, and what is said of each fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/classifier/profile.h"

struct folder {
    char path[64];
    char *file[8];
    size_t count;
};

static struct folder folder_new(void)
{
    struct folder f = {.path = "/tmp/tapline-profile-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    return f;
}

static const char *folder_add(struct folder *f, const char *name, const char *text)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s.json", f->path, name) > 0);
    f->file[f->count++] = path;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void folder_end(struct folder *f)
{
    while (f->count > 0) {
        unlink(f->file[--f->count]);
        free(f->file[f->count]);
    }
    rmdir(f->path);
}

#define MATCH "\"match\":[{\"where\":[{\"at\":0,\"text\":\"x\"}]}]"
#define SIGNATURE(name, rest)                                                                      \
    "{\"name\":\"" name "\",\"transport\":\"udp\",\"label\":\"l\"," rest "}"
#define UDP(rest) SIGNATURE("foo", rest)
#define TCP(rest) "{\"name\":\"foo\",\"transport\":\"tcp\",\"label\":\"l\"," rest "}"
#define WHERE(condition) "\"match\":[{\"where\":[" condition "]}]"
#define VALUE(value) "\"match\":[{\"where\":[{\"at\":0,\"text\":\"x\"}],\"value\":" value "}]"

struct wrong {
    const char *signature;
    const char *fault;
};

static const struct wrong wrong_signatures[] = {
    {"{}", "\"name\" must be text of 1 to 47 printable ASCII characters"},
    {"{\"name\":\"foo\"," MATCH "}", "@\"transport\" must be one of \"tcp\", \"udp\""},
    {"{\"name\":\"foo\",\"transport\":\"sctp\"," MATCH "}",
     "@\"transport\" must be one of \"tcp\", \"udp\""},
    {"{\"name\":\"foo\",\"transport\":\"udp\"," MATCH "}",
     "@\"label\" must be text of 1 to 47 printable ASCII characters"},
    {"{\"name\":\"foo\",\"transport\":\"udp\",\"label\":\"http\"," MATCH "}",
     "@\"label\": \"http\" is a type that needs no signature"},
    {UDP("\"port\":0," MATCH), "@\"port\" must be a whole number from 1 to 65535"},
    {UDP("\"priority\":1001," MATCH), "@\"priority\" must be a whole number from 1 to 1000"},
    {UDP("\"priority\":\"1\"," MATCH), "@\"priority\" must be a whole number from 1 to 1000"},
    {UDP("\"x\":1," MATCH), "@\"x\" is no member of a signature with \"match\""},
    {UDP("\"port\":1"),
     "@a signature needs exactly one of \"match\", \"stun_attribute\", \"extracts\""},
    {UDP("\"stun_attribute\":\"e002\"," MATCH),
     "@a signature needs exactly one of \"match\", \"stun_attribute\", \"extracts\""},
    {UDP("\"match\":[]"), "@\"match\" must be a list of 1 to 8 objects"},
    {UDP("\"match\":[1]"), "@\"match\" must be a list of 1 to 8 objects"},
    {UDP("\"match\":[{\"where\":[]}]"), "@\"where\" must be a list of 1 to 8 objects"},
    {UDP("\"match\":[{\"when\":[]}]"), "@\"when\" is no member of an alternative"},
    {UDP("\"match\":[{\"longer_than\":-1,\"where\":[]}]"),
     "@\"longer_than\" must be a whole number from 0 to 4096"},
    {UDP("\"reports\":\"peers\"," MATCH),
     "@\"reports\" must be one of \"identifiers\", \"bit_peer\", \"xunlei\", \"toutiao\""},
    {UDP("\"except\":\"dns\"," MATCH), "@\"except\" must be \"stun\""},
    {TCP("\"except\":\"stun\"," MATCH), "@\"except\" is for UDP only"},
    {TCP("\"reports\":\"toutiao\"," MATCH), "@\"reports\": \"toutiao\" is for UDP only"},
    {UDP("\"stun_attribute\":\"e0\""), "@\"stun_attribute\" must be four hexadecimal digits"},
    {UDP("\"stun_attribute\":\"e00g\""),
     "@\"stun_attribute\" must be pairs of hexadecimal digits of 1 to 2 bytes"},
    {TCP("\"stun_attribute\":\"e002\""), "@\"stun_attribute\" is for UDP only"},
    {"{\"name\":\"foo\",\"transport\":\"udp\",\"extracts\":\"websocket-addresses\"}",
     "@\"extracts\" is for TCP only"},
    {"{\"name\":\"foo\",\"transport\":\"tcp\",\"extracts\":\"names\"}",
     "@\"extracts\" must be \"websocket-addresses\""},
    {UDP(WHERE("{\"at\":4097,\"text\":\"x\"}")), "@\"at\" must be a whole number from 0 to 4096"},
    {UDP(WHERE("{\"at\":1.5,\"text\":\"x\"}")), "@\"at\" must be a whole number from 0 to 4096"},
    {UDP(WHERE("{\"text\":\"x\"}")), "@a condition needs exactly one of \"at\", \"from\""},
    {UDP(WHERE("{\"at\":1,\"from\":1,\"text\":\"x\"}")),
     "@a condition needs exactly one of \"at\", \"from\""},
    {UDP(WHERE("{\"at\":1}")), "@a condition needs exactly one of \"text\", \"hex\", \"class\""},
    {UDP(WHERE("{\"at\":1,\"text\":\"x\",\"size\":1}")), "@\"size\" is no member of a condition"},
    {UDP(WHERE("{\"at\":1,\"text\":\"\"}")), "@\"text\" must be text of 1 to 64 bytes"},
    {UDP(WHERE("{\"at\":1,\"text\":7}")), "@\"text\" must be text of 1 to 64 bytes"},
    {UDP(WHERE("{\"at\":1,\"hex\":\"123\"}")),
     "@\"hex\" must be pairs of hexadecimal digits of 1 to 64 bytes"},
    {UDP(WHERE("{\"at\":1,\"hex\":\"0x\"}")),
     "@\"hex\" must be pairs of hexadecimal digits of 1 to 64 bytes"},
    {UDP(WHERE("{\"at\":1,\"text\":\"x\",\"length\":1}")),
     "@\"length\" goes with a \"class\" only"},
    {UDP(WHERE("{\"at\":1,\"text\":\"x\",\"within\":1}")), "@\"within\" goes with \"from\" only"},
    {UDP(WHERE("{\"at\":1,\"class\":\"digit\"}")),
     "@a condition with a \"class\" needs a \"length\""},
    {UDP(WHERE("{\"at\":1,\"class\":\"vowel\",\"length\":1}")),
     "@\"class\" must be one of \"alnum\", \"alpha\", \"digit\", \"hex\", \"print\""},
    {UDP(WHERE("{\"from\":1,\"class\":\"digit\",\"length\":1}")),
     "@a \"class\" needs \"at\", not \"from\""},
    {TCP(WHERE("{\"from\":1,\"text\":\"x\"}")), "@a TCP condition with \"from\" needs \"within\""},
    {UDP(VALUE("7")), "@\"value\" must be an object"},
    {UDP(VALUE("{\"length\":1}")), "@a value needs exactly one of \"at\", \"behind\""},
    {UDP(VALUE("{\"at\":1}")), "@a value needs a \"length\" or \"until\""},
    {UDP(VALUE("{\"at\":1,\"end\":1}")), "@\"end\" is no member of a value"},
    {UDP(VALUE("{\"at\":1,\"until\":\"0000\"}")),
     "@\"until\" must be pairs of hexadecimal digits of 1 to 1 bytes"},
    {TCP(VALUE("{\"at\":1,\"until\":\"00\"}")), "@a value needs a \"length\" over TCP"},
    {UDP(VALUE("{\"behind\":1,\"length\":4}")),
     "@a value with \"behind\" needs a condition with \"from\""},
    {UDP(MATCH) "," UDP(MATCH), "@is there twice"},
};

/* The fault of these files, "@" for the signature's name. */
static void expect_fault(const char *file, const char *at, const char *fault)
{
    struct buffer document = {0};
    char said[PROFILE_FAULT], wanted[PROFILE_FAULT];
    snprintf(wanted, sizeof wanted, "%s: %s%s", at, fault[0] == '@' ? "signature \"foo\": " : "",
             fault + (fault[0] == '@'));
    assert_int_equal(profile_merge(&file, 1, &document, said), ERR_USAGE);
    assert_string_equal(said, wanted);
    assert_int_equal(document.length, 0);
    buffer_free(&document);
}

static void faults_of_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_signatures / sizeof wrong_signatures[0]; i++) {
        struct folder f = folder_new();
        char text[1024];
        snprintf(text, sizeof text, "{\"platform\":\"mine\",\"signatures\":[%s]}",
                 wrong_signatures[i].signature);
        const char *file = folder_add(&f, "mine", text);
        expect_fault(file, file, wrong_signatures[i].fault);
        folder_end(&f);
    }
}

static const struct wrong wrong_files[] = {
    {"", "not JSON at byte 0: it breaks off"},
    {"{\"platform\":", "not JSON at byte 12: it breaks off"},
    {"{\"platform\" 1}", "not JSON at byte 12: object property name separator ':' expected"},
    {"{'platform':1}", "not JSON at byte 1: unexpected character"},
    {"{\"platform\":\"a\",\"signatures\":[]} x", "not JSON at byte 33: unexpected character"},
    {"{\"platform\":[[[[[[[[[[[1]]]]]]]]]]]}", "not JSON at byte 21: nesting too deep"},
    {"null ", "must hold a JSON object"},
    {"{\"platform\":\"\xff\"}", "not UTF-8 at byte 13"},
    {"[]", "must hold a JSON object"},
    {"{\"platform\":\"A b\",\"signatures\":[]}", "\"platform\" takes a-z, 0-9, \"-\" and \"_\""},
    {"{\"signatures\":[]}", "\"platform\" must be text of 1 to 47 printable ASCII characters"},
    {"{\"platform\":\"a\"}", "\"signatures\" must be a list of 0 to 48 objects"},
    {"{\"platform\":\"a\",\"title\":\"\",\"signatures\":[]}",
     "\"title\" must be text of 1 to 127 printable ASCII characters"},
    {"{\"platform\":\"a\",\"patterns\":[]}", "\"patterns\" is no member of a platform file"},
    {"{\"platform\":\"a\",\"includes\":\"tt\",\"signatures\":[]}",
     "\"includes\" must be a list of platforms' names"},
    {"{\"platform\":\"a\",\"includes\":[\"../x\"],\"signatures\":[]}",
     "\"includes\" must be a list of platforms' names"},
    {"{\"platform\":\"a\",\"includes\":[1],\"signatures\":[]}",
     "\"includes\" must be a list of platforms' names"},
};

static void faults_of_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_files / sizeof wrong_files[0]; i++) {
        struct folder f = folder_new();
        const char *file = folder_add(&f, "mine", wrong_files[i].signature);
        expect_fault(file, file, wrong_files[i].fault);
        folder_end(&f);
    }
}

static void faults_between_files(void **state)
{
    (void)state;
    struct folder f = folder_new();
    char other[96], fault[PROFILE_FAULT];
    snprintf(other, sizeof other, "%s/b.json", f.path);
    const char *a = folder_add(
        &f, "a", "{\"platform\":\"a\",\"includes\":[\"b\"],\"signatures\":[" UDP(MATCH) "]}");
    expect_fault(a, other, "No such file or directory");
    folder_add(&f, "b",
               "{\"platform\":\"b\",\"includes\":[\"a\"],\"signatures\":[" UDP(
                   "\"priority\":3," MATCH) "]}");
    snprintf(fault, sizeof fault, "@%s has another one of that name", a);
    expect_fault(a, other, fault);
    folder_end(&f);
}

static void too_much(void **state)
{
    (void)state;
    struct folder f = folder_new();
    char *text = malloc(2 * PROFILE_BYTES);
    assert_non_null(text);
    memset(text, ' ', 2 * PROFILE_BYTES);
    text[2 * PROFILE_BYTES - 1] = '\0';
    const char *file = folder_add(&f, "big", text);
    expect_fault(file, file, "larger than 65536 bytes");
    size_t at = (size_t)sprintf(text, "{\"platform\":\"b\",\"signatures\":[");
    for (int i = 0; i < 25; i++)
        at += (size_t)sprintf(text + at, "%s" SIGNATURE("s%d", MATCH), i ? "," : "", i);
    strcpy(text + at, "]}");
    folder_add(&f, "b", text);
    at = (size_t)sprintf(text, "{\"platform\":\"a\",\"includes\":[\"b\"],\"signatures\":[");
    for (int i = 0; i < 24; i++)
        at += (size_t)sprintf(text + at, "%s" SIGNATURE("t%d", MATCH), i ? "," : "", i);
    strcpy(text + at, "]}");
    const char *a = folder_add(&f, "a", text);
    char b[96];
    snprintf(b, sizeof b, "%s/b.json", f.path);
    expect_fault(a, b, "signature \"s24\": more than 48 signatures");
    free(text);
    folder_end(&f);
}

static struct profile *parse(const struct buffer *document)
{
    char fault[PROFILE_FAULT];
    struct profile *p = profile_parse((const char *)document->bytes, document->length, fault);
    if (!p)
        fail_msg("%s", fault);
    return p;
}

static void ours_are_taken(void **state)
{
    (void)state;
    static const char *const files[] = {"deploy/platforms/wxy.json"};
    static const char *const names[] = {"xycdn", "bittorrent-tcp", "bittorrent-udp", "toutiao",
                                        "stun",  "xunlei-tcp",     "xunlei-udp"};
    struct buffer document = {0};
    char fault[PROFILE_FAULT];
    assert_int_equal(profile_merge(files, 1, &document, fault), 0);
    struct profile *p = parse(&document);
    assert_int_equal(profile_count(p), 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(profile_signature(p, i)->name, names[i]);
    profile_free(&p);
    buffer_free(&document);
}

/* The order in which files are named does not matter, nor how often they are. */
static void merging_has_one_outcome(void **state)
{
    (void)state;
    static const char *const orders[][4] = {
        {"deploy/platforms/tt.json", "deploy/platforms/wxy.json"},
        {"deploy/platforms/wxy.json", "deploy/platforms/tt.json"},
        {"deploy/platforms/wxy.json", "deploy/platforms/wxy.json"},
    };
    struct buffer first = {0};
    char fault[PROFILE_FAULT];
    assert_int_equal(profile_merge(orders[0], 2, &first, fault), 0);
    for (size_t i = 1; i < 3; i++) {
        struct buffer other = {0};
        assert_int_equal(profile_merge(orders[i], 2, &other, fault), 0);
        assert_int_equal(first.length, other.length);
        assert_memory_equal(first.bytes, other.bytes, first.length);
        buffer_free(&other);
    }
    buffer_free(&first);
}

static void documents_are_checked_too(void **state)
{
    (void)state;
    static const char *const twice = "{\"signatures\":[" UDP(MATCH) "," UDP(MATCH) "]}";
    static const char *const unknown = "{\"signatures\":[],\"x\":1}";
    char fault[PROFILE_FAULT];
    assert_null(profile_parse(twice, strlen(twice), fault));
    assert_string_equal(fault, "the capture's profile: signature \"foo\" is there twice");
    assert_null(profile_parse(unknown, strlen(unknown), fault));
    assert_string_equal(fault, "the capture's profile: \"x\" is no member of a profile");
    struct buffer none = {0};
    struct profile *p = parse(&none);
    assert_int_equal(profile_count(p), 0);
    profile_free(&p);
    profile_free(&p);
}

static void the_command_says_how_it_went(void **state)
{
    (void)state;
    static const char *const there[] = {"deploy/platforms/tt.json"};
    static const char *const missing[] = {"deploy/platforms/none.json"};
    assert_int_equal(profile_command(there, 1), EXIT_DONE);
    assert_int_equal(profile_command(missing, 1), EXIT_WRONG_USE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_signatures),
        cmocka_unit_test(faults_of_files),
        cmocka_unit_test(faults_between_files),
        cmocka_unit_test(too_much),
        cmocka_unit_test(ours_are_taken),
        cmocka_unit_test(merging_has_one_outcome),
        cmocka_unit_test(documents_are_checked_too),
        cmocka_unit_test(the_command_says_how_it_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
