/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_NUNCIO_H
#define NUNCIO_NUNCIO_H

/*
 * Everything a module may use. Start reading at module.h, hooks.h and request.h. The guide is
 * README.md in the source, module-guide.md where it was installed; see nuncio-module(3).
 */

#include <nuncio/auth.h>
#include <nuncio/base.h>
#include <nuncio/bus.h>
#include <nuncio/codes.h>
#include <nuncio/conf.h>
#include <nuncio/control.h>
#include <nuncio/conversation.h>
#include <nuncio/hooks.h>
#include <nuncio/json.h>
#include <nuncio/log.h>
#include <nuncio/metric.h>
#include <nuncio/module.h>
#include <nuncio/ready.h>
#include <nuncio/request.h>
#include <nuncio/search.h>
#include <nuncio/service.h>
#include <nuncio/session.h>
#include <nuncio/store.h>
#include <nuncio/text.h>
#include <nuncio/timer.h>
#include <nuncio/watch.h>

#endif
