namespace MLflow.Server.Ui.List;

/// <summary>One condition of the filter in words.</summary>
/// <param name="Number">From 0.</param>
/// <param name="Start">Where it begins in the filter, from 0.</param>
/// <param name="End">Where it ends, itself not in it.</param>
/// <param name="Words">Field and comparison: "status is".</param>
/// <param name="Value">What it is compared with.</param>
/// <param name="IsWrong">Whether it says nothing that the server understands; it is passed over then.</param>
public sealed record FilterChip(int Number, int Start, int End, string Words, string Value, bool IsWrong);
