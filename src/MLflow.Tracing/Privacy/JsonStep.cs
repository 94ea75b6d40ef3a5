namespace MLflow;

/// <summary>A step into JSON.</summary>
/// <param name="Name">Of a member; null for an item.</param>
/// <param name="Index">Of an item.</param>
internal readonly record struct JsonStep(string? Name, int Index);
