namespace MLflow.Weaver.Tests.Shapes;

internal interface ICalls
{
    string ByInterface(string text);

    string Explicit(int number);

    string ExplicitTraced(int number);

    [Trace]
    string Default(int number) => "default " + number;
}
