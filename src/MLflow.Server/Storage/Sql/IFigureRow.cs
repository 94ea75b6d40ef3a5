namespace MLflow.Server.Storage.Sql;

/// <summary>A row of figures, whichever database it is of.</summary>
internal interface IFigureRow
{
    string Text(int column);

    string? TextOrNull(int column);

    long Int64(int column);

    double Double(int column);

    double? DoubleOrNull(int column);
}
