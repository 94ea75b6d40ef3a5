namespace MLflow.Server.Ui.GoTo;

/// <summary>Somewhere to go.</summary>
/// <param name="Title">What it is called.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Address">Relative to the server's own.</param>
internal sealed record Place(string Title, string Kind, string Address);
