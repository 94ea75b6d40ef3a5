namespace MLflow.Server.Ui.Overview;

/// <summary>A piece of the sentence above the lanes.</summary>
/// <param name="Text">The words.</param>
/// <param name="Filter">What the list shows that they lead to; null for no link.</param>
/// <param name="IsStrong">What the sentence is about.</param>
/// <param name="IsBad">Tells of failures.</param>
public sealed record OverviewPhrase(string Text, string? Filter = null, bool IsStrong = false, bool IsBad = false);
