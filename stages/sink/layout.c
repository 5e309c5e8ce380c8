#include "stages/sink/layout.h"

const char *const RECORD_FILE_NAMES[RECORD_FILES] = {
    [FILE_SAVE_CON] = "save_con.json",
    [FILE_TMP_CON] = "tmp_con.json",
    [FILE_UDP_CON] = "udp_con.json",
    [FILE_SAVE_HTTP] = "save_http.json",
    [FILE_TMP_HTTP] = "tmp_http.json",
    [FILE_SNI] = "sni.json",
    [FILE_CERT] = "cert_domain_time.json",
    [FILE_DNS] = "ts_domain_ip.json",
    [FILE_XYCDN] = "xycdn_stun_ip_port.json",
};
