namespace MLflow.Server.Conventions;

/// <summary>How a convention says that the work failed where the span's own status does not.</summary>
/// <param name="Key">The attribute that says it; null when an <c>exception</c> event does.</param>
/// <param name="Value">Its value; null for any.</param>
/// <param name="MessageKey">The attribute with the message; null for that of the exception.</param>
/// <param name="OverridesOk">Whether it counts against a status that says OK.</param>
internal sealed record ErrorRow(string? Key, string? Value, string? MessageKey, bool OverridesOk);
