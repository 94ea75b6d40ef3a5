namespace MLflow.Server.Ui.Account;

/// <summary>Names of the proof that a form is ours.</summary>
internal static class Antiforgery
{
    public const string FormField = "__RequestVerificationToken";
}
