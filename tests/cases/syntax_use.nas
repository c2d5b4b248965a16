//# args: check
use std;
use std.conv.*;
