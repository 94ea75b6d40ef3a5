namespace MLflow.Server.Storage.Sql;

/// <param name="Name">Stands in the page token.</param>
/// <param name="Sql">The expression.</param>
/// <param name="Descending">Whether large values come first.</param>
/// <param name="Nullable">Whether it can be NULL, which comes last.</param>
internal sealed record KeysetColumn(string Name, string Sql, bool Descending, bool Nullable);
