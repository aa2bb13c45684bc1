// Transfers: one GET over libcurl, what the server answered, and whether it is worth a retry.
#ifndef PGHOST_REMOTE_TRANSFER_H
#define PGHOST_REMOTE_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "remote/location.h"

// What the header of a response says: the last one after redirects.
typedef struct Reply {
  long status;
  char version[256]; // the entity tag, or time of the last change; "": it says neither
  bool tagged;       // `version` is an entity tag
  bool ranged;       // `from` and `total` are of a Content-Range
  uint64_t from;
  uint64_t total;  // bytes of the whole object; UINT64_MAX: not said
  long wait;       // seconds that the server asks to wait before a retry
  char reason[64]; // word of the store's own for an error: "NoSuchKey"
} Reply;

typedef struct Transfer {
  CURL *easy;
  struct curl_slist *headers;
  Reply reply;
  bool writes;                // for messages
  char text[CURL_ERROR_SIZE]; // libcurl's words for what went wrong
} Transfer;

// Initialises libcurl, once for the process. False: it cannot be used.
bool transfer_start_library(Error *error);

// Prepares to GET a location. `take` gets `data` and the body, also that of an error response: use
// transfer_note_body for that. The transfer must not move until transfer_close.
bool transfer_open(Transfer *transfer, const Location *location, curl_write_callback take,
                   void *data, Error *error);

// Asks for bytes [from, to); to = UINT64_MAX: to the end. from = 0, to = UINT64_MAX: without a
// range. Discards the previous response.
void transfer_ask(Transfer *transfer, uint64_t from, uint64_t to);

// Makes curl_easy_perform end with CURLE_ABORTED_BY_CALLBACK when a signal asks to stop.
void transfer_stop_when_asked(Transfer *transfer);

// Waits before retry number `tries`, longer each time and at least as long as the server asks.
// False: asked to stop.
bool transfer_wait(const Transfer *transfer, int tries);

// Looks for the store's reason in (part of) an error's body.
void transfer_note_body(Transfer *transfer, const char *bytes, size_t len);

// Frees what transfer_open made; does nothing if it was never opened.
void transfer_close(Transfer *transfer);

// True for a transient failure: the connection broke, the server is busy.
bool transfer_is_transient(const Transfer *transfer, CURLcode code);

// Fills `error` for what went wrong: a status, otherwise what libcurl says. Returns false.
bool transfer_failed(const Transfer *transfer, CURLcode code, const Location *location,
                     Error *error);

#endif
