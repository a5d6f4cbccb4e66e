//! Something is taken away from live calls, or too much is asked: they do not notice, what cannot be done is said, and
//! what was taken away is used again once it is back. Apart from the calls that are listened to, because these load a
//! machine so much that telephones beside them stutter.

#[cfg(test)]
mod caps;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod database;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod stop;
