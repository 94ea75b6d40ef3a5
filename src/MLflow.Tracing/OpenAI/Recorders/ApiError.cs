namespace MLflow;

/// <summary>An error as an API reports it in a body: <c>{"error":{"message":…,"type":…,"code":…,"param":…}}</c>. Parts that were not sent are null.</summary>
internal sealed record ApiError(string? Message, string? Type, string? Code, string? Param = null);
