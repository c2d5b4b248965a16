//# args: check
use std.conv.*;
