// The hand-written types beside those that are made from the OpenAPI document: a field that the service has and the page
// does not know of, or the other way round, is a compile error. It is types alone: nothing of it is in the built pages.

import type { components } from './schema';
import type * as T from './types';

type Schema = components['schemas'];
/** True where both have the same fields. */
type Same<Ours, Theirs> = [keyof Ours] extends [keyof Theirs] ? ([keyof Theirs] extends [keyof Ours] ? true : keyof Theirs) : keyof Ours;
type Holds<Checked extends true> = Checked;

export type Contract = [
  Holds<Same<T.Service, Schema['Service']>>,
  Holds<Same<T.Me['user'], Schema['UserView']>>,
  Holds<Same<T.Me['memberships'][number], Schema['MembershipView']>>,
  Holds<Same<T.Registered, Schema['Registered']>>,
  Holds<Same<T.EmailConfirmed, Schema['EmailConfirmed']>>,
  Holds<Same<T.InvitationView, Schema['InvitationView']>>,
  Holds<Same<T.LoginSession, Schema['SessionView']>>,
  Holds<Same<T.Installation, Schema['Installation']>>,
  Holds<Same<T.SiteSummary, Schema['SiteSummary']>>,
  Holds<Same<T.Customer, Schema['CustomerView']>>,
  Holds<Same<T.VerifiedNumber, Schema['PhoneView']>>,
  Holds<Same<T.Verifying, Schema['Verifying']>>,
  Holds<Same<T.Member, Schema['MemberView']>>,
  Holds<Same<T.Telephone, Schema['TelephoneView']>>,
  Holds<Same<T.Notice, Schema['NoticeView']>>,
  Holds<Same<T.AuditEntry, Schema['AuditEntry']>>,
  Holds<Same<T.Conflict, Schema['Conflict']>>,
  Holds<Same<T.Editor, Schema['Editor']>>,
  Holds<Same<T.Published, Schema['PublishedView']>>,
  Holds<Same<T.Version, Schema['VersionView']>>,
  Holds<Same<T.CallRow, Schema['CallRow']>>,
  Holds<Same<T.Came, Schema['CameView']>>,
  Holds<Same<T.CallPage, Schema['CallPage']>>,
  Holds<Same<T.Totals, Schema['Totals']>>,
  Holds<Same<T.ManagerLine, Schema['ManagerLine']>>,
  Holds<Same<T.PanelLine, Schema['PanelLine']>>,
  Holds<Same<T.Overview, Schema['Overview']>>,
  Holds<Same<T.Analysis, Schema['Analysis']>>,
  Holds<Same<T.Balance, Schema['BalanceView']>>,
  Holds<Same<NonNullable<T.Balance['usual']>, Schema['UsualView']>>,
  Holds<Same<T.Held, Schema['HeldView']>>,
  Holds<Same<T.StatementPage, Schema['StatementPage']>>,
  Holds<Same<T.StatementLine, Schema['LineView']>>,
  Holds<Same<T.MoneyCall, Schema['CallOf']>>,
  Holds<Same<T.Price, Schema['PriceView']>>,
  Holds<Same<T.Priced, Schema['Priced']>>,
  Holds<Same<T.Minutes, Schema['WithManager']>>,
  Holds<Same<T.Payment, Schema['PaymentView']>>,
];
