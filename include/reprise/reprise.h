#pragma once

// The whole engine: read a song set, train or load a model, fingerprint, search, evaluate.

#include "reprise/backend.h"
#include "reprise/baselines.h"
#include "reprise/catalogue.h"
#include "reprise/config.h"
#include "reprise/error.h"
#include "reprise/evaluate.h"
#include "reprise/fingerprints.h"
#include "reprise/groups.h"
#include "reprise/index.h"
#include "reprise/model.h"
#include "reprise/params.h"
#include "reprise/report.h"
#include "reprise/rerank.h"
#include "reprise/song_set.h"
#include "reprise/song_set_writer.h"
#include "reprise/trainer.h"
#include "reprise/version.h"
#include "reprise/view.h"
