//! A customer's number, as people read it out: `4071-8`, whose last digit tells most slips of the tongue.

use std::fmt;
use std::str::FromStr;

/// A customer's number, without its check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CustomerNumber(pub u32);

/// A text that is no customer's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a customer's number is written like 4071-8")]
pub struct NotACustomerNumber;

/// Damm's quasigroup of order 10 (H. M. Damm, 2004): it finds every wrong digit, and every two that changed places.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

fn check_digit(digits: &str) -> u8 {
    digits.bytes().fold(0, |so_far, digit| {
        let row = DAMM.get(usize::from(so_far));
        let place = usize::from(digit.saturating_sub(b'0'));
        row.and_then(|row| row.get(place)).copied().unwrap_or(0)
    })
}

impl fmt::Display for CustomerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        write!(f, "{digits}-{}", check_digit(&digits))
    }
}

impl FromStr for CustomerNumber {
    type Err = NotACustomerNumber;

    /// With its dash, or without.
    fn from_str(text: &str) -> Result<Self, NotACustomerNumber> {
        let (digits, check) = text
            .split_once('-')
            .or_else(|| text.split_at_checked(text.len().saturating_sub(1)))
            .ok_or(NotACustomerNumber)?;
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(digits) || !plain(check) || digits.starts_with('0') {
            return Err(NotACustomerNumber);
        }
        let number = Self(digits.parse().map_err(|_| NotACustomerNumber)?);
        if check == check_digit(digits).to_string() { Ok(number) } else { Err(NotACustomerNumber) }
    }
}

#[cfg(test)]
mod tests {
    use super::CustomerNumber;

    #[test]
    fn a_number_is_written_with_a_digit_that_tells_slips() {
        for number in (1..10_000).chain(4_294_967_000..=u32::MAX) {
            let text = CustomerNumber(number).to_string();
            assert_eq!(text.parse(), Ok(CustomerNumber(number)));
            assert_eq!(text.replace('-', "").parse(), Ok(CustomerNumber(number)));
        }
        // The example of Damm's own description: 572 has the digit 4.
        assert_eq!(CustomerNumber(572).to_string(), "572-4");
    }

    #[test]
    fn every_wrong_digit_and_every_two_that_changed_places_are_found() {
        for number in 4_000..6_000 {
            let right = CustomerNumber(number).to_string().replace('-', "");
            let digits: Vec<char> = right.chars().collect();
            for place in 0..digits.len() {
                for other in '0'..='9' {
                    let mut wrong = digits.clone();
                    wrong[place] = other;
                    check(&right, &wrong);
                }
                if place > 0 {
                    let mut wrong = digits.clone();
                    wrong.swap(place - 1, place);
                    check(&right, &wrong);
                }
            }
        }
    }

    fn check(right: &str, typed: &[char]) {
        let typed: String = typed.iter().collect();
        assert_eq!(typed.parse::<CustomerNumber>().is_ok(), typed == right, "{right} typed as {typed}");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for wrong in
            ["", "-", "8", "4071-", "-8", "4071-88", "4071-8 ", "04071-8", "+4071-8", "99999999999-1"]
        {
            assert!(wrong.parse::<CustomerNumber>().is_err(), "{wrong}");
        }
    }
}
