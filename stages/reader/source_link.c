#include "stages/reader/source_link.h"

#include <pcap/pcap.h>

/* Of what is read, raw IP alone is numbered differently in memory and in files. */
int source_link_dlt(uint32_t link)
{
    return link == LINK_RAW ? DLT_RAW : (int)link;
}

const char *source_link_name(uint32_t link)
{
    return pcap_datalink_val_to_description_or_dlt(source_link_dlt(link));
}
