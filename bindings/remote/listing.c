// Source: Amazon S3 API Reference, ListObjectsV2: pages of XML of at most 1,000 keys.
#include "remote/listing.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "remote/transfer.h"

enum { TRIES = 5 };

typedef struct Page {
  Transfer transfer;
  XML_Parser parser;
  Buffer *keys;
  Buffer token; // of the next page
  Buffer text;  // of the element that is being read
  bool in_object;
  bool more;
  bool broken; // not XML
} Page;

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes) {
  Page *page = data;
  (void)attributes;
  buffer_clear(&page->text);
  if (strcmp(name, "Contents") == 0)
    page->in_object = true;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int len) {
  Page *page = data;
  buffer_put(&page->text, text, (size_t)len);
}

static void XMLCALL on_end(void *data, const XML_Char *name) {
  Page *page = data;
  const Buffer *text = &page->text;
  if (strcmp(name, "Contents") == 0) {
    page->in_object = false;
  } else if (page->in_object && strcmp(name, "Key") == 0) {
    buffer_put(page->keys, text->data, text->len);
    buffer_put_u8(page->keys, 0);
  } else if (strcmp(name, "NextContinuationToken") == 0) {
    buffer_clear(&page->token);
    buffer_put(&page->token, text->data, text->len);
    buffer_put_u8(&page->token, 0);
  } else if (strcmp(name, "IsTruncated") == 0) {
    page->more = text->len == 4 && memcmp(text->data, "true", 4) == 0;
  }
}

// libcurl's.
static size_t on_body(char *bytes, size_t size, size_t count, void *data) {
  Page *page = data;
  size_t len = size * count;
  if (page->transfer.reply.status != 200)
    transfer_note_body(&page->transfer, bytes, len);
  else if (XML_Parse(page->parser, bytes, (int)len, 0) != XML_STATUS_OK)
    page->broken = true;
  return len;
}

static bool begin_page(Page *page) {
  XML_ParserFree(page->parser);
  page->parser = XML_ParserCreate("UTF-8");
  if (!page->parser)
    return false;
  XML_SetUserData(page->parser, page);
  XML_SetElementHandler(page->parser, on_start, on_end);
  XML_SetCharacterDataHandler(page->parser, on_text);
  page->more = page->in_object = page->broken = false;
  return true;
}

static bool page_failed(Page *page, CURLcode code, const Location *location, Error *error) {
  if (code == CURLE_ABORTED_BY_CALLBACK)
    return error_set(error, "interrupted", "listing '%s' was interrupted", location->shown);
  bool bad = code == CURLE_OK && page->transfer.reply.status == 200;
  if (bad)
    return error_set(error, "remote", "could not list '%s': the answer is not a list of objects",
                     location->shown);
  return transfer_failed(&page->transfer, code, location, error);
}

// Gets one page, with retries while the store is busy. Keys of a page that broke off are removed.
static bool read_page(Page *page, const Location *location, Error *error) {
  size_t before = page->keys->len;
  for (int tries = 1;; tries++) {
    if (!begin_page(page))
      return error_set(error, "ENOMEM", "out of memory");
    page->keys->len = before;
    transfer_ask(&page->transfer, 0, UINT64_MAX);
    CURLcode code = curl_easy_perform(page->transfer.easy);
    if (code == CURLE_OK && page->transfer.reply.status == 200 && !page->broken &&
        XML_Parse(page->parser, "", 0, 1) == XML_STATUS_OK)
      break;
    bool again = tries < TRIES && transfer_is_transient(&page->transfer, code);
    if (!again || !transfer_wait(&page->transfer, tries))
      return page_failed(page, code, location, error);
  }
  if (page->keys->failed || page->text.failed || page->token.failed)
    return error_set(error, "ENOMEM", "out of memory");
  return true;
}

static bool list_page(Page *page, const char *prefix, bool shallow, Error *error) {
  Location location;
  const char *token = page->more ? page->token.data : NULL;
  if (!location_of_list(prefix, shallow, token, &location, error))
    return false;
  bool ok = transfer_open(&page->transfer, &location, on_body, page, error);
  if (ok) {
    transfer_stop_when_asked(&page->transfer);
    ok = read_page(page, &location, error);
  }
  transfer_close(&page->transfer);
  location_free(&location);
  return ok;
}

bool listing_read(const char *prefix, bool shallow, Buffer *keys, Error *error) {
  Page page = {.keys = keys};
  if (!transfer_start_library(error))
    return false;
  bool ok;
  do
    ok = list_page(&page, prefix, shallow, error);
  while (ok && page.more && page.token.len > 0);
  XML_ParserFree(page.parser);
  buffer_free(&page.token);
  buffer_free(&page.text);
  return ok;
}
