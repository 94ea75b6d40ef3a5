namespace MLflow;

/// <summary>A value that is about to be recorded, as <see cref="PrivacyOptions.Redactor"/> gets it.</summary>
/// <param name="Name">
/// What it is: the attribute's key (<c>mlflow.spanInputs</c>, <c>mlflow.spanOutputs</c>, your own), <c>span.name</c>, <c>span.type</c> or <c>status.message</c>, an
/// event's attribute (<c>exception.message</c>, <c>mlflow.chunk.value</c>), or the key of a tag or of metadata.
/// </param>
/// <param name="Text">The text, or the JSON as text.</param>
/// <param name="IsJson">True where it is a JSON object or array; what is returned should be JSON too, and is recorded as text where it is not.</param>
public readonly record struct RedactedValue(string Name, string Text, bool IsJson);
