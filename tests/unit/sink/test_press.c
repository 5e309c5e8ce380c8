/* The press against a printer alone: however many print, lines come out as one would make them. */
#include "common/base/error.h"
#include "stages/sink/press.h"
#include "stages/sink/printer.h"
#include "tests/unit/sink/attempt.h"

enum { MEMORY = 64 * 1024 * 1024, NONE = -1, MANY = 20000 };

/* Records of so many flows in memory, and what they are made with. */
struct made {
    struct summary *summary;
    struct certs *certs;
    struct records *records;
};

static const struct slice utc = {(const uint8_t *)"UTC", 3};

/* A note that no record can show: bytes have no JSON form. */
static void pack_wrong(struct buffer *notes)
{
    pack_map(notes, 1);
    pack_str(notes, "further");
    pack_bin(notes, "x", 1);
}

static void add_flow(struct records *records, int number, bool wrong)
{
    struct buffer notes = {0};
    uint8_t transport = number % 3 ? TRANSPORT_TCP : TRANSPORT_UDP;
    struct event event = flow_closed((uint64_t)number, transport, "1.2.3.4",
                                     (uint16_t)(number % 60000), "2001:db8::1", 443);
    event.close.figures.start_ns += (number * INT64_C(7919) % 100000) * MS;
    event.close.figures.syn = event.close.figures.fin = number % 2;
    if (wrong)
        pack_wrong(&notes);
    event.close.notes = whole(&notes);
    assert_int_equal(records_close(records, event.flow, &event.close), 0);
    buffer_free(&notes);
}

static void add_keys(struct records *records, int count)
{
    struct buffer map = {0};
    pack_map(&map, 1);
    pack_str(&map, "keys");
    pack_array(&map, 2);
    pack_str(&map, count % 2 ? "192.0.2.1:1" : "192.0.2.2:2");
    pack_str(&map, "192.0.2.3:3");
    struct event event = record_of(1, TAPLINE_RECORD_XYCDN, MOMENT, 1, &map);
    assert_int_equal(records_add(records, 1, &event.record), 0);
    buffer_free(&map);
}

/* `wrong`: the number of the flow that cannot be printed, or NONE. */
static struct made make(int flows, int wrong)
{
    struct made made = {.summary = summary_new(), .certs = certs_new(-1)};
    struct records_tools tools = {
        .summary = made.summary, .certs = made.certs, .directory = -1, .memory = MEMORY};
    made.records = records_new(&tools);
    assert_non_null(made.records);
    for (int i = 0; i < flows; i++) {
        add_flow(made.records, i, i == wrong);
        if (i % 100 == 0)
            add_keys(made.records, i / 100);
    }
    return made;
}

static void unmake(struct made *made)
{
    records_free(&made->records);
    certs_free(&made->certs);
    summary_free(&made->summary);
}

/* Every file's text and lines. */
struct printed {
    struct buffer text[RECORD_FILES];
    uint64_t lines[RECORD_FILES];
};

static void release(struct printed *printed)
{
    for (size_t i = 0; i < RECORD_FILES; i++)
        buffer_free(&printed->text[i]);
}

static void print_alone(int flows, struct printed *printed)
{
    struct made made = make(flows, NONE);
    struct printer *printer = printer_new(utc);
    struct entry record;
    int error;
    while ((error = records_next(made.records, &record)) == 0) {
        uint8_t file = record.key[0];
        assert_int_equal(printer_line(printer, &record, &printed->text[file]), 0);
        printed->lines[file]++;
    }
    assert_int_equal(error, ERR_EOF);
    printer_free(&printer);
    unmake(&made);
}

static void print_together(int flows, struct printed *printed)
{
    struct made made = make(flows, NONE);
    struct press *press = press_new(made.records, utc, PRESS_HELPERS);
    struct block block;
    enum record_file file = FILE_SAVE_CON;
    int error;
    while ((error = press_next(press, &block)) == 0) {
        assert_true(block.file >= file);
        file = block.file;
        buffer_append(&printed->text[file], block.text.bytes, block.text.length);
        printed->lines[file] += block.lines;
    }
    assert_int_equal(error, ERR_EOF);
    assert_int_equal(press_next(press, &block), ERR_EOF);
    press_free(&press);
    assert_null(press);
    unmake(&made);
}

static void lines_are_those_of_one_printer(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 500, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct printed alone = {0}, together = {0};
        print_alone(counts[i], &alone);
        print_together(counts[i], &together);
        for (size_t file = 0; file < RECORD_FILES; file++) {
            assert_int_equal(together.lines[file], alone.lines[file]);
            assert_int_equal(together.text[file].length, alone.text[file].length);
            if (alone.text[file].length)
                assert_memory_equal(together.text[file].bytes, alone.text[file].bytes,
                                    alone.text[file].length);
        }
        release(&alone);
        release(&together);
    }
}

static void what_cannot_be_printed_is_told(void **state)
{
    (void)state;
    static const int wrong[] = {0, MANY / 2 + 1, MANY - 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct made made = make(MANY, wrong[i]);
        struct press *press = press_new(made.records, utc, PRESS_HELPERS);
        struct block block;
        int error;
        while ((error = press_next(press, &block)) == 0)
            ;
        assert_int_equal(error, ERR_MALFORMED);
        press_free(&press);
        unmake(&made);
    }
}

/* As when the disk is full: sheets are being printed that nobody will read. */
static void may_be_left_in_the_middle(void **state)
{
    (void)state;
    for (int blocks = 0; blocks < 5; blocks++) {
        struct made made = make(MANY, NONE);
        struct press *press = press_new(made.records, utc, PRESS_HELPERS);
        struct block block;
        for (int i = 0; i < blocks; i++)
            assert_int_equal(press_next(press, &block), 0);
        press_free(&press);
        unmake(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_those_of_one_printer),
        cmocka_unit_test(what_cannot_be_printed_is_told),
        cmocka_unit_test(may_be_left_in_the_middle),
    };
    return cmocka_run_group_tests_name("press", tests, NULL, NULL);
}
