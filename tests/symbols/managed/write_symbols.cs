// Writes an assembly again, with a portable PDB that has a line for the start of each method.
using Mono.Cecil;
using Mono.Cecil.Cil;

class WriteSymbols {
    static void Main(string[] args) {
        var module = ModuleDefinition.ReadModule(args[0]);
        var file = new Document("/src/lamp.cs") { Language = DocumentLanguage.CSharp };
        var line = 5;
        foreach (var type in module.Types)
            foreach (var method in type.Methods)
                if (method.HasBody) {
                    var point = new SequencePoint(method.Body.Instructions[0], file);
                    point.StartLine = point.EndLine = line++;
                    point.StartColumn = 9;
                    point.EndColumn = 40;
                    method.DebugInformation.SequencePoints.Add(point);
                }
        var how = new WriterParameters { WriteSymbols = true, SymbolWriterProvider = new PortablePdbWriterProvider() };
        module.Write(args[1], how);
    }
}
