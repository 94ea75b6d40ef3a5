namespace MLflow.Server.Storage.Sql;

/// <param name="Condition">What its rows have in common.</param>
/// <param name="Offset">How many of them are passed over.</param>
internal readonly record struct PageStart(string Condition, long Offset)
{
    public static readonly PageStart First = new("TRUE", 0);
}
