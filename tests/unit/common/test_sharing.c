/* A reader's stock: its pieces come and go, and another process reads them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/error.h"
#include "common/bus/realm.h"
#include "common/bus/sharing.h"
#include "common/bus/stock.h"
#include "common/wire/pack.h"

enum { REALM = 77 };

struct rig {
    struct stock *stock;
    struct buffer offer;
};

static struct rig rig;

static int open_rig(void **state)
{
    int error = 1;
    (void)state;
    rig = (struct rig){.stock = stock_new(&error)};
    assert_non_null(rig.stock);
    assert_int_equal(error, 0);
    stock_offer(rig.stock, REALM, &rig.offer);
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    stock_free(&rig.stock);
    assert_null(rig.stock);
    stock_free(&rig.stock);
    buffer_free(&rig.offer);
    return 0;
}

static struct slice offer(void)
{
    return (struct slice){rig.offer.bytes, rig.offer.length};
}

static void pieces_come_and_go(void **state)
{
    (void)state;
    uint8_t *pieces[ORIGINAL_PIECES];
    const struct original *original = stock_original(rig.stock);
    for (int i = 0; i < ORIGINAL_PIECES; i++) {
        pieces[i] = stock_take(rig.stock);
        assert_non_null(pieces[i]);
        assert_true(i || (uintptr_t)pieces[i] % REALM_LARGE_PAGE == 0);
        memset(pieces[i], i, ORIGINAL_PIECE);
        for (int before = 0; before < i; before++)
            assert_int_equal(pieces[before][ORIGINAL_PIECE - 1], before);
    }
    assert_null(stock_take(rig.stock));
    stock_give(rig.stock, pieces[7]);
    assert_ptr_equal(stock_take(rig.stock), pieces[7]);
    struct places places = {.original = original};
    uint8_t wire[PLACE_SIZE];
    assert_true(places_lead_to(&places, pieces[9] + 5, 10));
    places_put(wire, &places, pieces[9] + 5, 10);
    stock_give(rig.stock, pieces[9]);
    assert_null(stock_take(rig.stock)); /* a message uses it yet */
    places_end(&places);
    assert_ptr_equal(stock_take(rig.stock), pieces[9]);
}

/* Whether the system made one or not. */
static void what_stands_in_a_large_page_stays(void **state)
{
    enum { SIZE = 2 * REALM_LARGE_PAGE };
    int error, descriptor = realm_make(SIZE);
    (void)state;
    uint8_t *memory = realm_map(descriptor, 0, SIZE, true, &error);
    const uint8_t *elsewhere = realm_map(descriptor, REALM_LARGE_PAGE, 5, false, &error);
    assert_int_equal(error, 0);
    memset(memory, 1, SIZE);
    realm_enlarge(memory + REALM_LARGE_PAGE);
    memory[REALM_LARGE_PAGE + 4] = 5;
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(memory[i], i == REALM_LARGE_PAGE + 4 ? 5 : 1);
    assert_int_equal(elsewhere[4], 5);
    munmap(memory, SIZE);
    munmap((void *)(uintptr_t)elsewhere, 5);
    close(descriptor);
    assert_null(realm_map(-1, 0, SIZE, true, &error));
    assert_int_equal(error, -EBADF);
}

/* In a process of its own, which reads a place and ends its use. */
static void another_process_reads_the_same(void **state)
{
    (void)state;
    static const char text[] = "what all of them read";
    struct places sent = {.original = stock_original(rig.stock)};
    uint8_t *piece = stock_take(rig.stock), wire[PLACE_SIZE];
    int status;
    memcpy(piece + 1000, text, sizeof text);
    places_put(wire, &sent, piece + 1000, sizeof text);
    pid_t child = fork();
    if (child == 0) {
        int error = 1;
        struct sharing *sharing = sharing_new(offer(), REALM, &error);
        if (!sharing || error)
            _exit(1);
        struct places got = {.original = sharing_original(sharing)};
        const uint8_t *bytes = NULL;
        uint32_t length = 0;
        bool same = places_get(wire, &got, &bytes, &length) && length == sizeof text &&
                    memcmp(bytes, text, length) == 0;
        places_end(&got);
        sharing_free(&sharing);
        _exit(same && !sharing ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(
        atomic_load(&sent.original->uses[(piece - sent.original->bytes) / ORIGINAL_PIECE]),
        1); /* the reader's own */
}

static void nothing_is_read_in_another_realm_or_without_an_offer(void **state)
{
    (void)state;
    struct buffer nil = {0};
    int error = 1;
    assert_null(sharing_new(offer(), REALM + 1, &error));
    assert_int_equal(error, 0);
    error = 1;
    assert_null(sharing_new((struct slice){0}, REALM, &error));
    assert_int_equal(error, 0);
    stock_offer(NULL, REALM, &nil);
    error = 1;
    assert_null(sharing_new((struct slice){nil.bytes, nil.length}, REALM, &error));
    assert_int_equal(error, 0);
    buffer_free(&nil);
}

static void expect_refusal(struct slice bytes, int expected)
{
    int error = 0;
    assert_null(sharing_new(bytes, REALM, &error));
    assert_int_equal(error, expected);
}

static void a_stock_that_is_gone_or_another_is_not_read(void **state)
{
    (void)state;
    int error, other = open("/etc/passwd", O_RDONLY);
    assert_true(other >= 0);
    struct unpack from = unpack_over(rig.offer.bytes, rig.offer.length);
    unpack_array_of(&from, 4);
    unpack_uint(&from);
    unpack_uint(&from);
    int number = (int)unpack_uint(&from);
    stock_free(&rig.stock);
    expect_refusal(offer(), ERR_LOST);
    assert_int_equal(dup2(other, number), number); /* another file has its number now */
    close(other);
    expect_refusal(offer(), ERR_MALFORMED);
    close(number);
    rig.stock = stock_new(&error); /* another stock */
    expect_refusal(offer(), ERR_LOST);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    for (size_t length = 1; length < rig.offer.length; length++)
        expect_refusal((struct slice){rig.offer.bytes, length}, ERR_MALFORMED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_come_and_go),
        TEST(what_stands_in_a_large_page_stays),
        TEST(another_process_reads_the_same),
        TEST(nothing_is_read_in_another_realm_or_without_an_offer),
        TEST(a_stock_that_is_gone_or_another_is_not_read),
        TEST(nonsense_is_refused),
    };
    return cmocka_run_group_tests_name("sharing", tests, NULL, NULL);
}
