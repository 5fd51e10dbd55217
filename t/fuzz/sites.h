#pragma once

// The sites that fuzz targets ask, and how they complain.

#include "../unit/policy_iis.h"
#include "../unit/policy_sites.h"
#include "promise.h"
