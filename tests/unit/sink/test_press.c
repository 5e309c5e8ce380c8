/* The press against a printer alone: however many print, lines come out as one would make them. */
#include "common/base/error.h"
#include "stages/sink/press.h"
#include "stages/sink/printer.h"
#include "tests/unit/sink/made.h"

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
    struct press *press = press_new(made.records, utc);
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
        struct press *press = press_new(made.records, utc);
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
        struct press *press = press_new(made.records, utc);
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
