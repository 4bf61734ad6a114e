"""Open enums: the values Brex documents, and room for those it adds later.

New enum constants are non-breaking by Brex's versioning guide, so a closed enum would turn a
quiet addition into a failed month end.
"""

from __future__ import annotations

from .wiretypes import OpenEnum

__all__ = [
    "AccountType",
    "ErrorCode",
    "FieldGroup",
    "IntegrationStatus",
    "LineItemType",
    "OpenEnum",
    "RecordType",
    "ReviewStatus",
    "SourceType",
    "SubscriptionStatus",
    "UserRole",
    "UserStatus",
    "WebhookEventType",
    "WebhookSecretStatus",
]


class RecordType(OpenEnum):
    """What kind of financial event a record books.

    The last three carry no description in Brex's documents.
    """

    CARD_EXPENSE_POST = "CARD_EXPENSE_POST"
    CARD_EXPENSE_REFUND = "CARD_EXPENSE_REFUND"
    CARD_EXPENSE_REPAYMENT = "CARD_EXPENSE_REPAYMENT"
    CARD_PAYMENT = "CARD_PAYMENT"
    CARD_PAYMENT_REFUND = "CARD_PAYMENT_REFUND"
    REWARD_REDEMPTION = "REWARD_REDEMPTION"
    REIMBURSEMENT_EXPENSE_APPROVAL = "REIMBURSEMENT_EXPENSE_APPROVAL"
    REIMBURSEMENT_EXPENSE_POST = "REIMBURSEMENT_EXPENSE_POST"
    REIMBURSEMENT_EXPENSE_REPAYMENT = "REIMBURSEMENT_EXPENSE_REPAYMENT"
    REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT = "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT"
    REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL = "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL"
    REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN = "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN"
    REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND = "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND"
    BILL_EXPENSE = "BILL_EXPENSE"
    BILL_EXPENSE_PAYMENT = "BILL_EXPENSE_PAYMENT"
    BILL_EXPENSE_CARD_PAYMENT = "BILL_EXPENSE_CARD_PAYMENT"
    BILL_MONEY_MOVEMENT_PAYIN = "BILL_MONEY_MOVEMENT_PAYIN"
    INVOICE = "INVOICE"
    INVOICE_PAYMENT = "INVOICE_PAYMENT"


class ReviewStatus(OpenEnum):
    """Where a record stands between the customer's coding and the accounting system."""

    PREPARE = "PREPARE"
    REVIEW = "REVIEW"
    READY_FOR_EXPORT = "READY_FOR_EXPORT"
    EXPORTED = "EXPORTED"


class SourceType(OpenEnum):
    """The Brex product a record comes from."""

    CARD = "CARD"
    REIMBURSEMENT = "REIMBURSEMENT"
    BILL = "BILL"


class LineItemType(OpenEnum):
    """The side of a line. Direction comes from here alone: amounts on lines are positive."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"


class IntegrationStatus(OpenEnum):
    """Whether an integration is connected."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class ErrorCode(OpenEnum):
    """The codes of an accounting error body."""

    ACTIVE_INTEGRATION_EXISTS = "ACTIVE_INTEGRATION_EXISTS"
    VENDOR_ACCOUNT_ID_MISMATCH = "VENDOR_ACCOUNT_ID_MISMATCH"
    INTEGRATION_NOT_ACTIVE = "INTEGRATION_NOT_ACTIVE"
    DUPLICATE_ACCOUNTING_RECORD_IDS = "DUPLICATE_ACCOUNTING_RECORD_IDS"
    ACCOUNTING_RECORD_NOT_READY_FOR_EXPORT = "ACCOUNTING_RECORD_NOT_READY_FOR_EXPORT"
    INVALID_REQUEST = "INVALID_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class UserRole(OpenEnum):
    """The role of a Brex user in the customer's account."""

    ACCOUNT_ADMIN = "ACCOUNT_ADMIN"
    AP_CLERK = "AP_CLERK"
    BOOKKEEPER = "BOOKKEEPER"
    CARD_ADMIN = "CARD_ADMIN"
    EMPLOYEE = "EMPLOYEE"
    EMPLOYEE_WITHOUT_CORP_CARDS = "EMPLOYEE_WITHOUT_CORP_CARDS"
    EXPENSE_ADMIN = "EXPENSE_ADMIN"
    SUPER_ADMIN = "SUPER_ADMIN"
    USER_MANAGEMENT_ADMIN = "USER_MANAGEMENT_ADMIN"


class UserStatus(OpenEnum):
    """The state of a Brex user."""

    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"
    DELETED = "DELETED"
    DISABLED = "DISABLED"
    INACTIVE = "INACTIVE"
    INVITED = "INVITED"
    PENDING_ACTIVATION = "PENDING_ACTIVATION"


class WebhookEventType(OpenEnum):
    """What a webhook tells of. Brex sends more kinds than it describes."""

    ACCOUNTING_RECORD_READY_FOR_EXPORT = "ACCOUNTING_RECORD_READY_FOR_EXPORT"
    REFERRAL_CREATED = "REFERRAL_CREATED"
    REFERRAL_ACTIVATED = "REFERRAL_ACTIVATED"
    REFERRAL_APPLICATION_STATUS_CHANGED = "REFERRAL_APPLICATION_STATUS_CHANGED"
    TRANSFER_PROCESSED = "TRANSFER_PROCESSED"
    TRANSFER_FAILED = "TRANSFER_FAILED"
    EXPENSE_PAYMENT_UPDATED = "EXPENSE_PAYMENT_UPDATED"
    USER_UPDATED = "USER_UPDATED"


class SubscriptionStatus(OpenEnum):
    """Whether a webhook subscription is sent its events. Brex sets ERROR, nobody else can."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    ERROR = "ERROR"


class WebhookSecretStatus(OpenEnum):
    """Whether a secret goes on signing. While one is about to go, deliveries carry a signature of each."""

    ACTIVE = "ACTIVE"
    PENDING_REVOKE = "PENDING_REVOKE"


class FieldGroup(OpenEnum):
    """What a field is for. ERP fields belong to an integration."""

    ACCOUNTING = "ACCOUNTING"
    USER = "USER"
    ERP = "ERP"
    TRAVEL = "TRAVEL"


class AccountType(OpenEnum):
    """The Brex product line that a company is on."""

    BREX_CLASSIC = "BREX_CLASSIC"
    BREX_EMPOWER = "BREX_EMPOWER"
