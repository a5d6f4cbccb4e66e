//! Tests that walk through whole rooms: one binary, so that its database server starts once.

#[cfg(test)]
mod cabinet;
#[cfg(test)]
mod call;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod dump;
#[cfg(test)]
mod funds;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod money;
#[cfg(test)]
mod payments;
#[cfg(test)]
mod practice;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod store;
#[cfg(test)]
mod widget;
#[cfg(test)]
mod world;
