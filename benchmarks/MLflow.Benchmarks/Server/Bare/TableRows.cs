namespace MLflow.Benchmarks.Server.Bare;

/// <summary>All rows of a table that the server filled, by their traces.</summary>
/// <param name="Name">The table.</param>
/// <param name="Columns">Its columns without generated ones.</param>
/// <param name="RowsByTrace">The rows of each trace. Text is UTF-8 already where the database takes it so.</param>
internal sealed record TableRows(string Name, IReadOnlyList<(string Name, string Type)> Columns, Dictionary<string, List<object?[]>> RowsByTrace);
