/*
 * What a results directory holds, and what it is called there.
 */
#ifndef TAPLINE_SINK_LAYOUT_H
#define TAPLINE_SINK_LAYOUT_H

/** The files of records, in the order in which they are written. */
enum record_file {
    FILE_SAVE_CON,
    FILE_TMP_CON,
    FILE_UDP_CON,
    FILE_SAVE_HTTP,
    FILE_TMP_HTTP,
    FILE_SNI,
    FILE_CERT,
    FILE_DNS,
    FILE_XYCDN,
    RECORD_FILES
};

extern const char *const RECORD_FILE_NAMES[RECORD_FILES];

/** The other files. The ledger is written last: a directory without it is not finished. */
#define TOTALS_FILE "file_data.json"
#define LOGS_FILE "logs"
#define LEDGER_FILE "ledger.json"

/** Directories: of certificates, named by their SHA-256; and a reserved one. */
#define CERT_DIRECTORY "cert_file"
#define CERT_SUFFIX ".crt"
#define SAVE_DIRECTORY "save_file"

#endif
