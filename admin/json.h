/*
 * json.h - what --json puts out: the writer is common/base/json.h.
 */
#ifndef ADMIN_JSON_H
#define ADMIN_JSON_H

#include "common/base/json.h"

#endif
