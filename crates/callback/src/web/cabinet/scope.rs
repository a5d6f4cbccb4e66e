//! Whose settings they are: a site's or a company's, published or as they would be.

use super::signed::Signed;
use crate::account::Right;
use crate::door::Wrong;
use crate::settings::{
    CompanySettings, Kept, company_draft, read_company, read_site, site_draft, usual_site,
};
use crate::store::{Columns, Company, FieldChange, Owner, Part, SiteRow, language_name};
use crate::web::App;
use crate::web::error::{Problem, Refusal};
use callback_core::site::{Origin, Site};
use serde_json::Value;
use std::collections::BTreeSet;

/// Whose settings: with what there is of them.
pub(super) enum Scope {
    Site(Box<SiteRow>, Box<Company>),
    Company(Box<Company>),
}

impl Scope {
    /// A site's, by its key in the path, where he who asks has a right to it.
    pub(super) async fn of_site(
        app: &App,
        signed: &Signed,
        key: &str,
        right: Right,
    ) -> Result<Self, Problem> {
        let at = signed.at_site(app, key, right).await?;
        let key = key.parse().map_err(|_| Problem::NotFound)?;
        let site = app.store.site_row(&key).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)?;
        Ok(Self::Site(Box::new(site), Box::new(company_of(app, &at).await?)))
    }

    /// A company's own, by its number.
    pub(super) async fn of_company(
        app: &App,
        signed: &Signed,
        number: &str,
        right: Right,
    ) -> Result<Self, Problem> {
        let at = signed.at(app, number, right).await?;
        Ok(Self::Company(Box::new(company_of(app, &at).await?)))
    }

    pub(super) fn owner(&self) -> Owner {
        match self {
            Self::Site(site, _) => Owner::Site(site.id),
            Self::Company(company) => Owner::Customer(company.id),
        }
    }

    pub(super) fn company(&self) -> &Company {
        match self {
            Self::Site(_, company) | Self::Company(company) => company,
        }
    }

    /// What the audit calls it.
    pub(super) fn object(&self) -> String {
        match self {
            Self::Site(site, _) => site.key.to_string(),
            Self::Company(company) => company.number.to_string(),
        }
    }

    pub(super) fn version(&self) -> u32 {
        match self {
            Self::Site(site, _) => site.version,
            Self::Company(company) => company.version,
        }
    }

    /// What is published, as a draft; none where nothing is.
    pub(super) fn published(&self) -> Option<Kept> {
        match self {
            Self::Site(site, _) => site.body.as_ref().map(site_draft),
            Self::Company(company) => Some(company_draft(&company.settings)),
        }
    }

    /// What a draft is where none was begun.
    pub(super) fn begin(&self) -> Result<Kept, Problem> {
        match (self, self.published()) {
            (_, Some(published)) => Ok(published),
            (Self::Site(site, company), None) => {
                let origin = Origin::parse(&site.origin).map_err(Problem::internal)?;
                Ok(site_draft(&usual_site(&origin, company.settings.country, company.settings.language)))
            }
            (Self::Company(company), None) => Ok(company_draft(&company.settings)),
        }
    }

    /// The draft, and the revision that it is at.
    pub(super) async fn draft(&self, app: &App) -> Result<(Kept, u32), Problem> {
        match app.store.draft(self.owner()).await.map_err(Problem::of_store)? {
            Some(draft) => Ok((draft.body, draft.revision)),
            None => Ok((self.begin()?, 0)),
        }
    }

    /// The draft as it would be published.
    ///
    /// # Errors
    /// What is wrong with it, each at its field.
    pub(super) async fn settled(&self, app: &App) -> Result<Settled, Problem> {
        let (kept, _) = self.draft(app).await?;
        self.read(&kept).map_err(refused)
    }

    /// All that is wrong with a draft.
    pub(super) fn read(&self, draft: &Kept) -> Result<Settled, Vec<Wrong>> {
        match self {
            Self::Site(site, company) => read_site(draft, &site.key, company.settings.country)
                .map(|site| Settled::Site(Box::new(site))),
            Self::Company(company) => read_company(draft, &company.email).map(Settled::Company),
        }
    }
}

/// Settings without a fault.
pub(super) enum Settled {
    Site(Box<Site>),
    Company(CompanySettings),
}

impl Settled {
    /// As a draft has them: each value written in the one way.
    pub(super) fn draft(&self) -> Kept {
        match self {
            Self::Site(site) => site_draft(site),
            Self::Company(company) => company_draft(company),
        }
    }

    /// As a version has them.
    pub(super) fn body(&self) -> Result<Value, Problem> {
        match self {
            Self::Site(site) => serde_json::to_value(site).map_err(Problem::internal),
            Self::Company(company) => Ok(Value::Object(company_draft(company))),
        }
    }

    /// What of them has columns of its own.
    pub(super) fn columns(&self) -> Result<Columns, Problem> {
        match self {
            Self::Site(site) => {
                let managers = u32::try_from(site.managers.len().max(1)).unwrap_or(u32::MAX);
                Ok(Columns::Site(site.name.to_string(), site.origin.as_str().to_owned(), managers))
            }
            Self::Company(company) => {
                let texts = [
                    company.name.clone(),
                    company.country.to_string(),
                    company.time_zone.clone(),
                    language_name(company.language).to_owned(),
                ];
                let blacklist = serde_json::to_value(&company.blacklist).map_err(Problem::internal)?;
                let managers = serde_json::to_value(&company.managers).map_err(Problem::internal)?;
                let emails = serde_json::to_value(&company.missed_emails).map_err(Problem::internal)?;
                Ok(Columns::Customer(texts, [blacklist, managers, emails], company.missed_digest))
            }
        }
    }
}

/// The company that somebody has a part at.
pub(super) async fn company_of(app: &App, at: &Part) -> Result<Company, Problem> {
    app.store.company(at.customer).await.map_err(Problem::of_store)?.ok_or(Problem::NotFound)
}

/// The fields that differ, each as a whole: a list that lost its first is a list that lost one, and not one of which each
/// is another.
pub(super) fn differing(from: &Kept, to: &Kept) -> Vec<FieldChange> {
    let fields: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let value = |of: &Kept, field: &String| of.get(field).cloned().unwrap_or(Value::Null);
    let change =
        |field: &String| FieldChange { field: field.clone(), from: value(from, field), to: value(to, field) };
    fields.into_iter().map(change).filter(|change| change.from != change.to).collect()
}

/// What is wrong, each at its field.
pub(super) fn refused(wrongs: Vec<Wrong>) -> Problem {
    Problem::Refused(Refusal::Fields(wrongs.into_iter().map(Into::into).collect()))
}
